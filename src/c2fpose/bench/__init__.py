"""``python -m c2fpose.bench``: how fast training and inference are, against the machine and against a plain port.

``measure`` has clocks, the machine's own limits and peak memory, ``contestants`` what is timed, ``run`` times them,
``report`` prints the page, ``original`` has the original's figures.
"""
