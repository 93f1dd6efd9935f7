"""Coarse-to-fine volumetric prediction for single-image 3D human pose.

A file here is a command; a folder is a station on the data's way: image and joints, crop, network, volumes, voxels,
millimetres, tables. Nothing imports from a folder that stands above it:

- ``bench``: how fast it all is.
- ``reports``: what sweeps came to; ``sweeps``: many runs.
- ``training``: one run; ``prediction``: photographs.
- ``evaluation``: the test set to scores.
- ``model``: networks, volumes, the LightningModule, checkpoints.
- ``data``: one file schema, its sources, crops, batches.
- ``pictures``: people and volumes drawn; ``config``: what can be set.
- ``pose``: joints, camera, errors, millimetres.
- ``base``: errors, files, provenance.

Reading order: ``pose.skeleton``, ``pose.camera``, ``model.volumes``, ``model.networks``, ``model.module``, ``data``,
``pose.metrics``, ``evaluation``, ``training.run``.
"""

import sys
from importlib import import_module
from typing import Any

from c2fpose.base.signals import stop_while_importing

__version__ = "0.1.0"
__all__ = ["PosePredictor", "__version__"]


def __getattr__(name: str) -> Any:
    """Load ``PosePredictor`` when it is first asked for: it takes PyTorch with it."""
    if name != "PosePredictor":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("c2fpose.prediction.predictor").PosePredictor


# python -m c2fpose.<command> has begun, and its main is not there yet
if sys.argv[:1] == ["-m"] and any(word.removeprefix("-m").partition(".")[0] == "c2fpose" for word in sys.orig_argv[1:]):
    stop_while_importing()
