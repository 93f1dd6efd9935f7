"""From triangles to pixels, in compiled loops.

``render`` is the whole of it; ``mesh`` what is drawn, ``raster`` which triangle a pixel sees, ``room`` and ``shading``
what colour it has, ``materials`` the table of surfaces, ``compiled`` keeps the machine code.
"""
