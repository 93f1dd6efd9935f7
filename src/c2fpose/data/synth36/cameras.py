"""The four cameras of each synth36 subject, arranged as Human3.6M's: one near each corner, looking at the middle.

World frame: millimetres, z up, the floor at z = 0. Camera frame: x right, y down, z forward.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from c2fpose.pose.camera import project, world_to_camera

FRAME_PX = 1000  # rows and columns of a full camera frame
CAMERAS = 4
# Where the four stand, as signs of x and y, in the order of protocol.CAMERA_SERIALS.
CORNERS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
_STREAM = 404  # key of this module in seed sequences


@dataclass(frozen=True)
class Camera:
    """A pinhole without distortion: camera frame = ``rotation @ (world - position_mm)``."""

    rotation: Float[np.ndarray, "3 3"]
    position_mm: Float[np.ndarray, "3"]
    intrinsics_px: Float[np.ndarray, "4"]  # fx, fy, cx, cy

    @property
    def translation_mm(self) -> Float[np.ndarray, "3"]:
        """The same map written as ``rotation @ world + translation_mm``."""
        return -self.rotation @ self.position_mm

    def to_camera(self, world_mm: Float[np.ndarray, "*batch J 3"]) -> Float[np.ndarray, "*batch J 3"]:
        """World to camera frame, mm."""
        return world_to_camera(world_mm, self.rotation, self.position_mm)

    def to_image(self, world_mm: Float[np.ndarray, "*batch J 3"]) -> Float[np.ndarray, "*batch J 2"]:
        """World to image, px."""
        return project(self.to_camera(world_mm), self.intrinsics_px)

    def cut(self, left_top_px: Float[np.ndarray, "2"], step_px: float) -> "Camera":
        """Make the camera that sees a resampled cut of this one's frame: ``frame = left_top_px + cut * step_px``."""
        fx, fy, cx, cy = self.intrinsics_px
        left, top = left_top_px
        intrinsics_px = np.array([fx, fy, cx - left, cy - top]) / step_px
        return Camera(self.rotation, self.position_mm, intrinsics_px)


def subject_cameras(seed: int, subject: int) -> tuple[Camera, ...]:
    """Place the cameras around one subject: the arrangement is Human3.6M's, the details are the subject's own."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, subject]))
    return tuple(_camera(rng, corner) for corner in CORNERS)


def _camera(rng: np.random.Generator, corner: tuple[int, int]) -> Camera:
    position_mm = np.array(
        [corner[0] * rng.uniform(1700, 2100), corner[1] * rng.uniform(3900, 5200), rng.uniform(1350, 1700)]
    )
    target_mm = np.array([*rng.uniform(-150, 150, 2), rng.uniform(800, 950)])
    focal_px = rng.normal(1147, 2.5)
    intrinsics_px = np.array([focal_px, focal_px + rng.normal(-1, 0.5), *rng.normal((512.5, 507), (4, 5))])
    return Camera(_looking_at(position_mm, target_mm, rng.normal(0, 0.01)), position_mm, intrinsics_px)


def _looking_at(
    position_mm: Float[np.ndarray, "3"], target_mm: Float[np.ndarray, "3"], roll_rad: float
) -> Float[np.ndarray, "3 3"]:
    """Rotation from the world to a camera that looks at a place, rolled about its axis."""
    forward = target_mm - position_mm
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = np.array([[np.cos(roll_rad), -np.sin(roll_rad)], [np.sin(roll_rad), np.cos(roll_rad)]])
    return np.vstack([roll @ np.stack([right, down]), forward])
