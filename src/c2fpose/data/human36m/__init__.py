"""Human3.6M from any form that people have it in, to the file of ``data/schema.py``.

- ``sequences``: names of sequences and images; ``calibration``: lenses and places of the cameras.
- ``detect``: what a directory holds; ``sources``: one file for each form that people have it in.
- ``frames``: what a source delivers, and the checks that all sources pass.
- ``images``: encoded images, cut out where asked; ``assemble``: the HDF5, resumable; ``split``: one split of a run;
  ``options``: what the command is told.

The command is ``c2fpose.data.prepare``; ``c2fpose.data.verify`` checks its output.
"""
