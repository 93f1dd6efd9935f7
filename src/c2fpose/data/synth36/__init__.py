"""synth36: the embedded data set, rendered people in Human3.6M's own terms. Where to look:

- ``__main__``, ``plan``, ``generate``, ``sequence``: the command, what is drawn, how it becomes files.
- ``cameras``: the four cameras of each subject.
- ``person``: who; ``motion``: how they move; ``scene``: where; ``render``: from triangles to pixels.
- ``sheet``: a contact sheet of it all.

Everything is a pure function of (seed, subject, action, trial, frame, camera). The surface comes from MakeHuman (CC0,
assets/BODY_LICENSE.md).
"""
