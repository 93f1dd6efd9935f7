"""Data: one HDF5 schema, its sources, and what feeds the network.

``schema`` says what a file holds and reads it; ``synth36``, ``synth_wild``, ``human36m`` and ``custom`` make such
files, ``verification`` checks them; ``crops`` cuts the box out of an image; ``dataset`` makes batches, ``mix`` of
several files, ``datamodule`` is Lightning's view of it all. ``prepare``, ``verify``, ``template``, ``skeleton``,
``synth36`` and ``synth_wild`` are commands.
"""
