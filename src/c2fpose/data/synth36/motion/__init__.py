"""How a person moves.

``motion`` puts it together: ``script`` and ``actions`` say what is done when, ``path``, ``walks``, ``ground`` and
``seat`` where; ``ik``, ``arms``, ``legs`` and ``feet`` solve for joints, ``bones`` sets bones on each other;
``tracks`` and ``segments`` are the small geometry.
"""
