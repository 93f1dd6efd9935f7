"""What every reader gives: records with names, joints that may be missing, and where their pictures are."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from c2fpose.data.custom.cameras import Camera
from c2fpose.pose.skeleton import Skeleton


@dataclass
class Records:
    """Labelled people, one a record; NaN where something is not labelled. N records, J joints of the skeleton.

    ``places`` says for messages where a record stands, such as ``records.csv, line 3``. ``image`` is a file, of which
    ``frame`` (from 1) is meant where it is a video; None: poses without pictures. Joints in mm are in the frame that
    ``joints_frame`` names, and ``cameras`` holds a camera for every name in ``camera``, if it is known.
    """

    skeleton: Skeleton
    places: list[str]
    image: list[str | None]
    subject: list[str]
    action: list[str]
    trial: list[int]
    camera: list[str]
    frame: list[int]
    joints_px: Float[np.ndarray, "N J 2"]
    joints_mm: Float[np.ndarray, "N J 3"]
    box_px: Float[np.ndarray, "N 3"]  # left, top, side; NaN: by the joints
    split: list[str] = field(default_factory=list)  # train or test of each record; empty: by subject
    joints_frame: str = "camera"  # camera or world
    cameras: dict[str, Camera] = field(default_factory=dict)
    said_size_px: Float[np.ndarray, "N 2"] | None = None  # of each picture, by the labels' file; NaN: not said
    notes: list[str] = field(default_factory=list)  # what the reader left out or took for granted, a line each

    def __len__(self) -> int:
        return len(self.places)

    def has_depth(self) -> bool:
        """Say whether any joint is labelled in mm."""
        return bool(np.isfinite(self.joints_mm).any())
