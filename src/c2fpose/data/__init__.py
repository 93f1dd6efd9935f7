"""Data: one HDF5 schema, its sources, and what feeds the network.

``schema`` says what a file holds and reads it; ``synth36`` and ``human36m`` make such files, ``verification`` checks
them; ``crops`` cuts the box out of an image; ``dataset`` makes batches, ``datamodule`` is Lightning's view of it all.
``prepare``, ``verify`` and ``synth36`` are commands.
"""
