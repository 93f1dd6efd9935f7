"""The annotation arrays of a split's file, and what the file says about itself."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS
from c2fpose.pose.skeleton import C2F17, Skeleton


@dataclass(frozen=True)
class Field:
    """One annotation array: a row for each record."""

    dtype: str
    shape: tuple[int, ...]
    meaning: str


FIELDS = {  # of the paper's joints; ``fields_of`` those of others
    "joints_cam_mm": Field("float32", (C2F17.joints, 3), "joints in the camera frame (x right, y down, z forward), mm"),
    "joints_px": Field("float32", (C2F17.joints, 2), "joints in the full camera frame, lens distortion included, px"),
    "center_px": Field("float32", (2,), "centre of the person's box in the full camera frame, px"),
    "scale": Field("float32", (), "side of the person's box in units of 200 px"),
    "intrinsics_px": Field("float32", (4,), "fx, fy, cx, cy of the full camera frame, px"),
    "stored_left_top_px": Field("float32", (2,), "left and top edge of the stored image in the full camera frame, px"),
    "stored_step_px": Field("float32", (), "pixels of the full camera frame for each pixel of the stored image"),
    "subject": Field("int16", (), "Human3.6M's subject number"),
    "action": Field("int16", (), "index into protocol.ACTIONS"),
    "trial": Field("int16", (), "which sequence of that subject and action, from 1"),
    "camera": Field("int16", (), "index into protocol.CAMERA_SERIALS"),
    "frame": Field("int32", (), "frame number in the sequence at 50 fps, from 1"),
}


def fields_of(skeleton: Skeleton) -> dict[str, Field]:
    """Give the fields of a file whose poses have these joints."""
    counts = {"joints_cam_mm": (skeleton.joints, 3), "joints_px": (skeleton.joints, 2)}
    return {name: replace(field, shape=counts.get(name, field.shape)) for name, field in FIELDS.items()}


MADE_ELSEWHERE = ("h36m", "synth36", "synth_wild")  # by rules that are known, to which a file is held


@dataclass(frozen=True)
class SplitInfo:
    """What a file says about itself; goes into every result computed from it."""

    path: str
    dataset: str  # "synth36" or "h36m"
    split: str  # "train" or "test"
    records: int
    fingerprint: str  # SHA-256 over annotations and image bytes, wherever the images are stored
    provenance: dict[str, Any]  # how it was made: seed, preset, source, code version
    images: str = "embedded"  # one of IMAGE_STORES
    skeleton: Skeleton = C2F17

    @property
    def action_names(self) -> tuple[str, ...]:
        """What ``action`` counts in: a data set's own actions, families of postures, or Human3.6M's actions."""
        return tuple(self.provenance.get("actions") or self.provenance.get("families") or ACTIONS)

    def actions_as(self, wanted: Collection[str] | None) -> tuple[str, ...]:
        """Give the names by which these actions are chosen: families of postures go by Human3.6M's numbers too."""
        return ACTIONS if "actions" not in self.provenance and set(wanted or ()) <= set(ACTIONS) else self.action_names

    @cached_property
    def subject_names(self) -> dict[int, str]:
        """What a data set calls its subjects, by number; numbers without a name are not in it."""
        return {int(number): str(name) for number, name in self.provenance.get("subjects", {}).items()}

    def subject_name(self, number: int) -> str:
        """Return what a data set calls a subject, or S1, S5, ... where it has numbers alone."""
        return self.subject_names.get(number, f"S{number}")

    @property
    def camera_names(self) -> tuple[str, ...]:
        """What ``camera`` counts in: a data set's own cameras, or Human3.6M's serial numbers."""
        return tuple(self.provenance.get("cameras") or map(str, CAMERA_SERIALS))

    def same_names(self, other: "SplitInfo") -> bool:
        """Whether numbers of subjects, actions and cameras mean the same in another file.

        They do in files of one data set; all data of one's own are called by one name, and tell by theirs.
        """
        names = [[each.provenance.get(key) for key in ("subjects", "actions", "cameras")] for each in (self, other)]
        return self.dataset == other.dataset and (self.dataset in MADE_ELSEWHERE or names[0] == names[1])

    @property
    def partly_labelled(self) -> bool:
        """Whether joints may be missing (NaN): ``joints_cam_mm``, ``joints_px`` or both."""
        return self.provenance.get("labels") == "partial"

    @property
    def boxes_hold_visible_parts(self) -> bool:
        """Whether boxes are drawn around what can be seen of a person, instead of around all joints."""
        return self.provenance.get("boxes") == "visible"

    @property
    def of_any_size(self) -> bool:
        """Whether bodies may be smaller or larger than a person: hands, mice, horses."""
        return self.provenance.get("sizes") == "any"

    @property
    def trial_is_person(self) -> bool:
        """Whether each trial of a subject is another person, instead of the same one again."""
        return self.provenance.get("trials") == "people"
