"""synth_wild: people as photographs show them, made by synth36's generator. Where to look:

- ``__main__``, ``plan``, ``generate``: the command, what is drawn, how it becomes files.
- ``postures``, ``hands``, ``posture``: families of postures within joint limits.
- ``solving``: from postures to bones, and which of them bodies can take.
- ``people``, ``wardrobe``, ``things``, ``light``, ``cameras``, ``backgrounds``: what else is drawn for each image.
- ``drawing``, ``picture``, ``shade``: put together and rendered, with a mask of what is not background.
- ``photographs``, ``exchange``: a user's photographs as backgrounds; other backgrounds at load time.

Each shard is a pure function of (seed, split, its number).
"""
