"""Networks from files. ``load`` is the door.

``formats`` writes and reads ours, ``conversion`` goes from one to the other, ``torch7_file`` and ``torch7_network``
read the authors'. Nothing in a file is executed.
"""
