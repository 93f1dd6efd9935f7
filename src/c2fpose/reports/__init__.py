"""What sweeps came to.

``results`` reads finished jobs, ``records`` are their numbers, ``statistics`` compare them, ``paper`` has the published
figures; ``tables`` and ``plots`` print and draw, ``hooks`` does so after a sweep, ``dashboard`` shows.
"""
