"""Data of your own: images or videos, a table of joints, a skeleton and cameras, to the files that training reads.

In reading order: ``options`` (what the command is told), ``records`` (what every reader gives), ``readers`` (a file for
each form of data), ``cameras``, ``checks`` (what is wrong with which record), ``images``, ``preparation`` (all of it).
"""
