"""Made-up results: two people walk, one of them unsure of itself, in pictures of coloured noise."""

import numpy as np
import pytest

from c2fpose.pose.camera import project
from c2fpose.pose.skeleton import JOINTS, PARENTS
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Camera, Frame, ModelUsed, PersonPose, PoseResult, Source

INTRINSICS_PX = np.array([900.0, 900.0, 320.0, 240.0])
# Bones at rest in the camera frame (y down, facing the camera), mm
REST_MM = dict(
    left_hip=(130, 0, 0), left_knee=(0, 450, 0), left_ankle=(0, 445, 0), right_hip=(-130, 0, 0),
    right_knee=(0, 450, 0), right_ankle=(0, 445, 0), spine=(0, -235, 0), thorax=(0, -255, 0), nose=(0, -90, -70),
    head=(0, -110, 30), left_shoulder=(150, 20, 0), left_elbow=(40, 275, 0), left_wrist=(0, 245, -40),
    right_shoulder=(-150, 20, 0), right_elbow=(-40, 275, 0), right_wrist=(0, 245, -40),
)  # fmt: skip


def turn(axis: str, angle: float) -> np.ndarray:
    first, second = {"x": (1, 2), "y": (2, 0)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix


def walker(times_s: np.ndarray, at_mm: tuple[float, float, float], heading: float) -> np.ndarray:
    """Somebody of fixed bone lengths walking through the camera frame, ``(T, 17, 3)``."""
    poses = np.zeros((len(times_s), 17, 3))
    for pose, time in zip(poses, times_s, strict=True):
        swing = 0.5 * np.sin(2 * np.pi * time)
        bends = {"left": swing, "right": -swing}
        body = turn("y", heading)
        pose[0] = np.array(at_mm) + body @ [0, 0, -1200 * time]
        for joint, name in enumerate(JOINTS[1:], 1):
            side, _, part = name.partition("_")
            bend = bends.get(side, 0.0) * (part in ("knee", "ankle")) - bends.get(side, 0.0) * (part == "elbow")
            bend -= 0.7 * max(bends.get(side, 0.0), 0) * (part == "ankle")
            pose[joint] = pose[PARENTS[joint]] + body @ turn("x", bend) @ np.array(REST_MM[name], float)
    return poses


def person(id: int, joints_cam_mm: np.ndarray, sure: bool = True, **more) -> PersonPose:
    px = project(joints_cam_mm, INTRINSICS_PX)
    box = Box(*(px.min(0) - 10), float(np.ptp(px, axis=0).max() + 20))
    if not sure:
        spread = np.linspace(15, 90, 17)
        ray = joints_cam_mm / np.linalg.norm(joints_cam_mm, axis=-1, keepdims=True)
        along = ray[:, :, None] * ray[:, None, :] * (spread[:, None, None] * 1.5) ** 2
        second = np.full((17, 3), np.nan)
        second[13] = joints_cam_mm[13] + [0, 0, 300]
        more |= dict(
            confidence=np.linspace(0.98, 0.2, 17),
            covariance_mm2=np.eye(3) * spread[:, None, None] ** 2 + along,
            second_mode_cam_mm=second,
            second_mode_weight=np.where(np.isnan(second[:, 0]), 0, 0.3),
        )
    return PersonPose(id, box, px, joints_cam_mm, float(joints_cam_mm[0, 2]), **more)


def make_video(frames: int = 11) -> PoseResult:
    """Ten frames a second. Person 0 is there throughout, person 3 from the third frame on, but for the fifth."""
    times = np.arange(frames) / 10
    first = walker(times, (-600, 0, 5200), 0.4)
    second = walker(times, (700, -50, 6000), -0.9)
    said = []
    for number, time in enumerate(times):
        people = [person(0, first[number])]
        if number >= 2 and number != 4:
            people.append(person(3, second[number], sure=False))
        said.append(Frame(tuple(people), number, float(time)))
    return PoseResult(
        Source("video", (640, 480), "walk.webm", "0" * 64, 10.0),
        Camera(INTRINSICS_PX, "given"),
        tuple(said),
        model=ModelUsed(
            "tiny.ckpt", "1" * 64, "0.1.0", {"train": "2" * 64}, 64, {"method": "argmax"}, "torch", "32-true", "cpu"
        ),
        confidence_meaning="that the joint lies within 150 mm of the truth",
        notes=("the focal length is a guess",),
    )


def make_pictures(frames: int = 11) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    blocks = random.integers(60, 220, (frames, 12, 16, 3), dtype=np.uint8)
    return [np.kron(block, np.ones((40, 40, 1), np.uint8)) for block in blocks]


@pytest.fixture(scope="session")
def video() -> PoseResult:
    return make_video()


@pytest.fixture(scope="session")
def image() -> PoseResult:
    """One picture of two people."""
    made = make_video()
    source = Source("image", (640, 480), "walk.jpg")
    return PoseResult(source, made.camera, (Frame(made.frames[3].people),), model=made.model)


@pytest.fixture(scope="session")
def nobody() -> PoseResult:
    return PoseResult(Source("image", (640, 480), "empty.jpg"), Camera(INTRINSICS_PX), (Frame(()),))


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    return make_pictures()
