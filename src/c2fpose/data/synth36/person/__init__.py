"""Who is rendered.

Shape and bones (``body``, ``rig``, ``skinning``), clothes (``outfit``, ``dressing``), things held (``props``).
"""
