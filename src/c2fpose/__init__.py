"""Coarse-to-fine volumetric prediction for single-image 3D human pose.

Data flows one way: image and joints, crop, network, volumes, voxels, millimetres, tables.
Reading order: ``skeleton``, ``camera``, ``volume``, ``networks``, ``module``, ``data``, ``metrics``, ``evaluate``.
"""

__version__ = "0.1.0"
