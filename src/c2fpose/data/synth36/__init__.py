"""synth36: the embedded data set, rendered people in Human3.6M's own terms. Where to look:

- ``__main__``, ``plan``, ``generate``, ``sequence``: the command, what is drawn, how it becomes files.
- ``cameras``: the four cameras of each subject.
- ``body``, ``skinning``: shapes of seven adults, forward kinematics, the 17 joints, the posed surface.
- ``motion`` and its parts (``actions``, ``script``, ``path``, ``tracks``, ``ik``, ``arms``, ``legs``, ``rig`` ...).
- ``outfit``, ``dressing``, ``props``: who wears and holds what, and its surfaces.
- ``scene``, ``room``, ``furniture``: what stands around the person, and the light.
- ``render``, ``raster``, ``shading``, ``materials``, ``compiled``: triangles to pixels, in compiled loops.

Everything is a pure function of (seed, subject, action, trial, frame, camera). The surface comes from MakeHuman (CC0,
assets/BODY_LICENSE.md).
"""
