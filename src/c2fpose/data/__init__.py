"""Data: one HDF5 schema (``schema``), its sources (``synth36``, ``human36m``), and what feeds the network.

``schema`` says what a file holds and reads it; ``crop`` cuts the box out of an image; ``augmentation`` changes crops
and joints alike; ``datamodule`` is Lightning's view of it all.
"""
