"""Cameras of one's own: intrinsics, lens distortion by OpenCV's models, pose; read from ``cameras.yaml``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import yaml
from jaxtyping import Float
from pydantic import Field, ValidationError

from c2fpose.base.errors import DataError, readable
from c2fpose.config.schema import Schema

_COEFFICIENTS = {"opencv": (4, 5, 8, 12, 14), "fisheye": (4,)}
_FEWEST_POINTS = 12  # labelled joints from which intrinsics are fitted
FARTHEST, _STEEPEST = 1e8, 1e4  # labels (px, mm) and rays (x / z) beyond are no joints that a camera sees
_ROUNDING = 1e-3  # of an orthogonal matrix that was written with few digits


class _Lens(Schema):
    model: Literal["opencv", "fisheye"] = "opencv"
    coefficients: tuple[float, ...]


class _Entry(Schema):
    """One camera as the file says it."""

    intrinsics_px: tuple[float, ...] | tuple[tuple[float, ...], ...]
    image_size_px: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    distortion: _Lens | None = None
    rotation: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None
    translation_mm: tuple[float, float, float] | None = None
    position_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Camera:
    """A camera: ``x_cam = rotation x_world + translation_mm``; x to the right, y down, z forward."""

    intrinsics_px: tuple[float, float, float, float]  # fx, fy, cx, cy
    image_size_px: tuple[int, int] | None = None  # width, height
    lens: str = "opencv"
    distortion: tuple[float, ...] = ()
    rotation: tuple[tuple[float, ...], ...] | None = None
    translation_mm: tuple[float, float, float] | None = None

    @property
    def has_pose(self) -> bool:
        """Whether it is known where the camera stands."""
        return self.rotation is not None

    def to_camera(self, joints_world_mm: Float[np.ndarray, "*batch J 3"]) -> Float[np.ndarray, "*batch J 3"]:
        """Move joints from the world's frame to the camera's, mm."""
        return np.asarray(joints_world_mm, float) @ np.array(self.rotation).T + np.array(self.translation_mm)

    def project(self, joints_cam_mm: Float[np.ndarray, "*batch J 3"]) -> Float[np.ndarray, "*batch J 2"]:
        """Project joints of the camera's frame to the picture, lens distortion included, px; NaN stays NaN."""
        joints = np.asarray(joints_cam_mm, float)
        flat = joints.reshape(-1, 1, 3)
        fx, fy, cx, cy = self.intrinsics_px
        matrix, still = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), np.zeros(3)
        if not self.distortion:
            xy = joints[..., :2] / joints[..., 2:]
            return xy * [fx, fy] + [cx, cy]
        known = np.isfinite(flat).all((1, 2))
        px = np.full((len(flat), 2), np.nan)
        if known.any():
            work = cv2.fisheye.projectPoints if self.lens == "fisheye" else cv2.projectPoints
            px[known] = work(flat[known], still, still, matrix, np.array(self.distortion))[0][:, 0]
        return px.reshape(*joints.shape[:-1], 2)


def read_cameras(path: Path) -> dict[str, Camera]:
    """Read ``cameras.yaml``: ``NAME: {intrinsics_px: ..., ...}`` for each camera. Raises ``DataError``, one line."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    with readable(path, "not readable as YAML", "see docs/own_data.md for what it holds"):
        content = _with_names_as_text(path.read_text("utf-8-sig"))
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected a camera's name and under it intrinsics_px and more, for each camera")
    return {name: _camera(values, f"{path}: camera {name}") for name, values in content.items()}


def _with_names_as_text(text: str) -> Any:
    """Read YAML whose outermost keys are names, also where they look like numbers, times or truth: 01, 12:30, no."""
    node = yaml.compose(text, yaml.SafeLoader)
    if node is None:  # comments alone: labels in px need no camera
        return {}
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge"):
            key.tag = "tag:yaml.org,2002:str"
    return yaml.SafeLoader("").construct_document(node)


def fitted_intrinsics(
    joints_px: Float[np.ndarray, "N J 2"], joints_cam_mm: Float[np.ndarray, "N J 3"]
) -> tuple[tuple[float, float, float, float], float] | None:
    """Find fx, fy, cx, cy that project joints of the camera's frame to their labels, and the mean distance left, px.

    By least squares along each axis, without a lens; None where joints with both labels are too few or too alike.
    """
    px, mm = np.reshape(joints_px, (-1, 2)), np.reshape(joints_cam_mm, (-1, 3))
    with np.errstate(all="ignore"):
        rays = mm[:, :2] / mm[:, 2:]
    known = (np.abs(np.hstack([px, mm])) < FARTHEST).all(1) & (mm[:, 2] > 0) & (np.abs(rays) < _STEEPEST).all(1)
    if known.sum() < _FEWEST_POINTS:
        return None
    px, rays = px[known], rays[known]
    found, projected = [], np.empty_like(px)
    for axis in (0, 1):
        equations = np.stack([rays[:, axis], np.ones(len(rays))], 1)
        (focal, centre), _, rank, _ = np.linalg.lstsq(equations, px[:, axis])
        if rank < 2 or focal <= 0:
            return None
        found.append((float(focal), float(centre)))
        projected[:, axis] = equations @ (focal, centre)
    (fx, cx), (fy, cy) = found
    return (fx, fy, cx, cy), float(np.linalg.norm(projected - px, axis=1).mean())


def _camera(values: Any, where: str) -> Camera:
    if isinstance(values, dict) and values.get("intrinsics_px", ()) is None:
        raise DataError(
            f"{where}: intrinsics_px: not filled in yet; fx, fy, cx, cy in px, or no camera at all for 2D labels"
        )
    try:
        entry = _Entry.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if isinstance(part, str) and not part.startswith("tuple"))
        raise DataError(f"{where}: {key or 'it'}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
    intrinsics = _intrinsics(np.array(entry.intrinsics_px, float), where)
    lens = entry.distortion or _Lens(coefficients=())
    if lens.coefficients and len(lens.coefficients) not in _COEFFICIENTS[lens.model]:
        counts = " or ".join(map(str, _COEFFICIENTS[lens.model]))
        raise DataError(
            f"{where}: distortion: {len(lens.coefficients)} coefficients; OpenCV's {lens.model} model has {counts}"
        )
    rotation, translation = _pose(entry, where)
    return Camera(intrinsics, entry.image_size_px, lens.model, lens.coefficients, rotation, translation)


def _intrinsics(given: np.ndarray, where: str) -> tuple[float, float, float, float]:
    if given.shape == (3, 3):
        if abs(given[0, 1]) > _ROUNDING * given[0, 0]:
            raise DataError(f"{where}: intrinsics_px: axes that are not at right angles (skew) are not supported")
        given = given[[0, 1, 0, 1], [0, 1, 2, 2]]
    if given.shape != (4,) or not np.isfinite(given).all():
        raise DataError(f"{where}: intrinsics_px: expected fx, fy, cx, cy in px, or the 3 x 3 matrix")
    if (given[:2] <= 0).any():
        raise DataError(f"{where}: intrinsics_px: a focal length of {given[:2].min():g} px; a camera has one above 0")
    return tuple(given.tolist())


def _pose(entry: _Entry, where: str) -> tuple[tuple[tuple[float, ...], ...] | None, Any]:
    places = [each for each in (entry.translation_mm, entry.position_mm) if each is not None]
    if entry.rotation is None and not places:
        return None, None
    if entry.rotation is None or len(places) != 1:
        raise DataError(f"{where}: a pose is rotation and one of translation_mm (R x + t) and position_mm (R (x - p))")
    given = np.array(entry.rotation, float)
    if given.shape == (3,):
        given = cv2.Rodrigues(given)[0]
    if given.shape == (9,):
        given = given.reshape(3, 3)
    if given.shape != (3, 3) or not np.allclose(given @ given.T, np.eye(3), atol=_ROUNDING):
        raise DataError(f"{where}: rotation: no rotation; expected a 3 x 3 matrix or a rotation vector in radians")
    if np.linalg.det(given) < 0:
        raise DataError(
            f"{where}: rotation: it mirrors (its determinant is -1): left and right would be exchanged; "
            "one of the axes points the other way"
        )
    place = np.array(places[0])
    translation = place if entry.position_mm is None else -given @ place
    return tuple(map(tuple, given.tolist())), tuple(translation.tolist())
