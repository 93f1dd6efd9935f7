"""A few synthetic people before four distorted cameras, written in every format in which people have Human3.6M.

Written from the formats' descriptions, not with the package's code: geometry and projection are restated here in their
own scalar form. Only tables of names are shared.
"""
# long: one made-up release in each of its seven forms

import json
import math
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from c2fpose.data.human36m.sequences import take_name
from c2fpose.pose.protocol import ACTION_NUMBERS, ACTIONS, CAMERA_SERIALS

SUBJECTS = (1, 9)
ACTION_NAMES = ("Photo", "SittingDown")
FRAMES = {1: 11, 2: 8}  # 50-fps frames of trial 1 and 2: 3 and 2 frames at 10 fps
WIDTH, HEIGHT = 300, 304
# The release's 32 joints, C2F's 17 among them (0-based), and the right-leg-first order of most other code.
C2F_IN_32 = [0, 6, 7, 8, 1, 2, 3, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
RIGHT_FIRST = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
MPII_ORDER_16 = [3, 2, 1, 4, 5, 6, 0, 8, 9, 10, 16, 15, 14, 11, 12, 13]


@dataclass
class Camera:
    euler: np.ndarray  # of R = Rx Ry Rz, world to camera
    position_mm: np.ndarray
    lens: np.ndarray  # fx, fy, cx, cy, k1, k2, k3, p1, p2

    @property
    def rotation(self) -> np.ndarray:
        return Rotation.from_euler("XYZ", self.euler).as_matrix()

    @property
    def k(self) -> np.ndarray:
        fx, fy, cx, cy = self.lens[:4]
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


@dataclass
class Take:
    """One sequence seen by one camera, all frames at 50 fps."""

    subject: int
    action: str
    trial: int
    camera: int
    world_mm: np.ndarray  # (n, 17, 3) C2F order
    cam_mm: np.ndarray
    px: np.ndarray  # (n, 17, 2)
    images: list  # JPEG bytes of frames 1, 6, 11 ...
    frames_bgr: list

    @property
    def take(self) -> str:
        return take_name(self.subject, ACTIONS.index(self.action), self.trial)

    @property
    def serial(self) -> int:
        return CAMERA_SERIALS[self.camera]

    @property
    def kept(self) -> np.ndarray:
        return np.arange(0, len(self.px), 5)

    @property
    def name(self) -> str:
        return f"S{self.subject}_{self.take.replace(' ', '_')}.{self.serial}"


@dataclass
class People:
    cameras: dict  # (subject, camera index) -> Camera
    takes: list

    def of(self, *subjects: int) -> list:
        return [take for take in self.takes if take.subject in subjects]


def project_by_hand(point, lens) -> tuple[float, float]:
    """One point, in plain scalars, from the description of Human3.6M's camera model."""
    fx, fy, cx, cy, k1, k2, k3, p1, p2 = (float(v) for v in lens)
    x, y = point[0] / point[2], point[1] / point[2]
    r2 = x * x + y * y
    radial = 1.0 + k1 * r2 + k2 * r2**2 + k3 * r2**3
    tangential = p1 * y + p2 * x
    u = x * (radial + tangential) + p2 * r2
    v = y * (radial + tangential) + p1 * r2
    return fx * u + cx, fy * v + cy


def box_by_hand(points) -> tuple[float, float, float]:
    """Centre and scale by the C2F rule, one point at a time."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    side = max(max(xs) - min(xs), max(ys) - min(ys)) + 40.0
    return (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2, side / 200.0


def fabricate(seed: int = 0) -> People:
    rng = np.random.default_rng(seed)
    cameras = {(subject, i): _camera(i, rng) for subject in SUBJECTS for i in range(4)}
    for i in range(4):  # places are the subject's, lenses the camera's
        cameras[SUBJECTS[1], i].lens = cameras[SUBJECTS[0], i].lens
    takes = []
    for subject in SUBJECTS:
        for action in ACTION_NAMES:
            for trial, count in FRAMES.items():
                world = _walk(rng, count)
                for i in range(4):
                    takes.append(_take(cameras[subject, i], subject, action, trial, i, world))
    return People(cameras, takes)


def _camera(index: int, rng) -> Camera:
    position = np.array([1800 * (1, 1, -1, -1)[index], 4500 * (1, -1, 1, -1)[index], 1550]) + rng.normal(0, 80, 3)
    forward = np.array([0, 0, 900]) - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    lens = np.concatenate(
        [
            [345 + index, 343 - index, 151 + index, 150 - index],
            [-0.2 + 0.01 * index, 0.25, -0.004 * index, 0.0016 - 0.001 * index, -0.0024 + 0.0005 * index],
        ]
    )
    return Camera(Rotation.from_matrix(rotation).as_euler("XYZ"), position, lens)


def _walk(rng, count: int) -> np.ndarray:
    """A person with fixed limbs who turns, bends and waves a little; world frame, z up."""
    start, heading = rng.uniform(-500, 500, 2), rng.uniform(0, 2 * math.pi)
    swing, wave = rng.uniform(0.2, 0.7, 4), rng.uniform(-1, 1, (4, 3))
    return np.stack([_person(start, heading + 0.02 * t, swing * math.cos(0.3 * t), wave) for t in range(count)])


def _person(start, heading, swing, wave) -> np.ndarray:
    """Body frame: x forward, y left, z up."""
    joints = np.zeros((17, 3))
    lean = np.array([0.1 + 0.1 * swing[3], 0.02, 1.0])
    lean /= np.linalg.norm(lean)
    for side, hip, shoulder in ((1, 1, 11), (-1, 4, 14)):
        joints[hip] = [0, 134 * side, 0]
        thigh, shin = swing[0] * side, swing[0] * side - abs(swing[1])
        joints[hip + 1] = joints[hip] + 449 * np.array([math.sin(thigh), 0, -math.cos(thigh)])
        joints[hip + 2] = joints[hip + 1] + 446 * np.array([math.sin(shin), 0, -math.cos(shin)])
        joints[shoulder] = [0, 149 * side, 0]
        for bone, length in ((1, 280), (2, 250)):
            direction = np.array([0.4, 0.3 * side, -1.0]) + 0.8 * wave[2 * (side < 0) + bone - 1] * swing[2]
            joints[shoulder + bone] = joints[shoulder + bone - 1] + length * direction / np.linalg.norm(direction)
    joints[7], joints[8] = 238 * lean, 493 * lean
    joints[11:17] += joints[8]
    joints[9] = joints[8] + [60, 0, 100]
    joints[10] = joints[9] + [-30, 0, 111]
    turn = np.array([[math.cos(heading), -math.sin(heading), 0], [math.sin(heading), math.cos(heading), 0], [0, 0, 1]])
    return joints @ turn.T + [*start, 900]


def _take(camera: Camera, subject, action, trial, index, world) -> Take:
    cam = (world - camera.position_mm) @ camera.rotation.T
    px = np.array([[project_by_hand(joint, camera.lens) for joint in pose] for pose in cam])
    frames = [_picture(points, number) for number, points in enumerate(px)]
    images = [cv2.imencode(".jpg", frames[t])[1].tobytes() for t in range(0, len(frames), 5)]
    return Take(subject, action, trial, index, world, cam, px, images, frames)


def _picture(points, number: int) -> np.ndarray:
    """Grey that tells the frame's number, with the joints on it."""
    image = np.full((HEIGHT, WIDTH, 3), 40 + 12 * number, np.uint8)
    for joint, (x, y) in enumerate(points):
        cv2.circle(image, (round(x), round(y)), 3, (255, 10 * joint, 0), -1)
    return image


def in_32(joints: np.ndarray) -> np.ndarray:
    full = np.full((len(joints), 32, joints.shape[-1]), 7.0)
    full[:, C2F_IN_32] = joints
    return full


# --- the authors' set ---------------------------------------------------------------------------------------------


def write_c2f(root: Path, people: People, full: bool = True, matlab: str = "5") -> Path:
    """``full=False``: ``valid.h5`` with center and scale alone, as in the authors' sample; test subjects only."""
    for split, subjects in (("train", (1,)), ("valid", (9,))) if full else (("valid", (9,)),):
        takes = people.of(*subjects)
        rows = [(take, t) for take in takes for t in take.kept][::-1]  # not in our order: the reader must sort
        names = [f"{take.name}_{t + 1:06d}.jpg" for take, t in rows]
        boxes = np.array([box_by_hand(take.px[t]) for take, t in rows])
        poses = np.array([take.cam_mm[t] for take, t in rows])
        (root / "annot").mkdir(parents=True, exist_ok=True)
        (root / "annot" / f"{split}_images.txt").write_text("\n".join(names) + "\n")
        with h5py.File(root / "annot" / f"{split}.h5", "w") as file:
            file["center"], file["scale"] = boxes[:, :2], boxes[:, 2]
            if full:
                file["part"] = np.array([take.px[t] for take, t in rows])
                file["S"] = poses
                relative = poses[..., 2] - poses[:, :1, 2]
                file["zind"] = np.ceil((relative + 1005.18590298) / 31.0319651)
        if split == "valid":
            k = [people.cameras[take.subject, take.camera].k for take, _ in rows]
            _write_mat(root / "annot" / "valid.mat", names, boxes, poses.transpose(0, 2, 1), k, matlab)
        for take in takes:
            write_images(root / "images", take, lambda take, t: f"{take.name}_{t + 1:06d}.jpg")
    return root


def _write_mat(path: Path, names, boxes, poses, k, matlab: str) -> None:
    if matlab == "5":
        cells, matrices = np.empty(len(names), object), np.empty(len(names), object)
        cells[:], matrices[:] = names, k
        savemat(
            path,
            {"annot": {"imgname": cells, "center": boxes[:, :2], "scale": boxes[:, 2:], "S": poses, "K": matrices}},
        )
        return
    with h5py.File(path, "w", userblock_size=512) as file:  # MATLAB 7.3
        for i, (name, matrix) in enumerate(zip(names, k, strict=True)):
            file[f"#refs#/n{i}"] = np.array([[ord(c)] for c in name], np.uint16)
            file[f"#refs#/k{i}"] = matrix.T
        for key, letter in (("imgname", "n"), ("K", "k")):
            references = [[file[f"#refs#/{letter}{i}"].ref for i in range(len(names))]]
            file.create_dataset(f"annot/{key}", data=np.array(references, h5py.ref_dtype), dtype=h5py.ref_dtype)
        file["annot/S"] = poses.transpose(2, 1, 0)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, fabricated".ljust(124) + b"\x00\x02IM")


def write_images(root: Path, take: Take, name_of) -> None:
    for t, jpeg in zip(take.kept, take.images, strict=True):
        path = root / name_of(take, t)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)


# --- the official release -----------------------------------------------------------------------------------------


def write_raw(root: Path, people: People, world: bool = False) -> Path:
    """``world=True``: ``D3_Positions`` instead of ``D3_Positions_mono``, and no ``D2_Positions``."""
    for take in people.takes:
        folder = root / f"S{take.subject}"
        # S1's files spell this action otherwise.
        name = take.take.replace("Photo", "TakingPhoto") if take.subject == 1 else take.take
        _write_video(folder / "Videos" / f"{name}.{take.serial}.mp4", take.frames_bgr)
        if world:
            if take.camera == 0:
                _write_cdf(folder / "MyPoseFeatures" / "D3_Positions" / f"{name}.cdf", in_32(take.world_mm))
            continue
        _write_cdf(folder / "MyPoseFeatures" / "D3_Positions_mono" / f"{name}.{take.serial}.cdf", in_32(take.cam_mm))
        _write_cdf(folder / "MyPoseFeatures" / "D2_Positions" / f"{name}.{take.serial}.cdf", in_32(take.px))
    write_metadata(root / "metadata.xml", people)
    return root


def _write_video(path: Path, frames: list) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 50, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()


def _write_cdf(path: Path, poses: np.ndarray) -> None:
    from cdflib.cdfwrite import CDF

    path.parent.mkdir(parents=True, exist_ok=True)
    flat = poses.reshape(1, len(poses), -1)
    with CDF(str(path), delete=True) as cdf:
        spec = {
            "Variable": "Pose",
            "Data_Type": 45,
            "Num_Elements": 1,
            "Rec_Vary": True,
            "Dim_Sizes": list(flat.shape[1:]),
        }
        cdf.write_var(spec, var_data=flat)


def write_metadata(path: Path, people: People) -> Path:
    numbers = np.zeros((4, 11, 6))
    for (subject, index), camera in people.cameras.items():
        numbers[index, subject - 1] = [*camera.euler, *camera.position_mm]
    lenses = np.array([people.cameras[SUBJECTS[0], index].lens for index in range(4)])
    w0 = " ".join(f"{v:.12g}" for v in [*numbers.ravel(), *lenses.ravel()])
    subjects = (1, 5, 6, 7, 8, 9, 11)

    def row(*cells) -> str:
        return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"

    rows = [row("", "", *(f"S{s}" for s in subjects)), row(1, 1, *["_ALL 1"] * 7)]
    for number, action in ACTION_NUMBERS.items():
        for trial in (1, 2):
            names = [take_name(s, ACTIONS.index(action), trial) for s in subjects]
            names[0] = names[0].replace("Photo", "TakingPhoto").replace("WalkDog", "WalkingDog")
            rows.append(row(number, trial, *names))
    serials = "".join(f"<serial>{serial}</serial>" for serial in CAMERA_SERIALS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<metadata><mapping>{''.join(rows)}</mapping><dbcameras><index2id>{serials}</index2id></dbcameras>"
        f"<w0>[{w0}]</w0></metadata>"
    )
    return path


# --- exports of other projects ------------------------------------------------------------------------------------


def write_mmpose(root: Path, people: People) -> Path:
    def image(take, t):
        return f"S{take.subject}/{take.name}/{take.name}_{t + 1:06d}.jpg"

    folder = root / "annotation_body3d" / "fps10"
    folder.mkdir(parents=True, exist_ok=True)
    for split, subjects in (("train", (1,)), ("test", (9,))):
        rows = [(take, t) for take in people.of(*subjects) for t in take.kept]
        part = np.array([take.px[t][RIGHT_FIRST] for take, t in rows])
        poses = np.array([take.cam_mm[t][RIGHT_FIRST] for take, t in rows]) / 1000
        seen = np.ones((len(rows), 17, 1))
        low, high = part.min(1), part.max(1)
        np.savez(
            folder / f"h36m_{split}.npz",
            imgname=np.array([image(take, t) for take, t in rows]),
            center=(low + high) / 2,
            scale=1.2 * (high - low).max(1) / 200,
            part=np.concatenate([part, seen], -1),
            S=np.concatenate([poses, seen], -1),
        )
    for take in people.takes:
        write_images(root / "images", take, image)
    cameras = {}
    for (subject, index), camera in people.cameras.items():
        lens = camera.lens[:, None]
        cameras[f"S{subject}", str(CAMERA_SERIALS[index])] = {
            "R": camera.rotation.T,
            "T": camera.position_mm[:, None] / 1000,
            "f": lens[:2],
            "c": lens[2:4],
            "k": lens[4:7],
            "p": lens[7:],
            "w": WIDTH,
            "h": HEIGHT,
            "name": f"camera{index + 1}",
            "id": str(CAMERA_SERIALS[index]),
        }
    (root / "annotation_body3d" / "cameras.pkl").write_bytes(pickle.dumps(cameras))
    return root


def write_h36m_fetch(root: Path, people: People) -> Path:
    groups: dict = {}
    for take in people.takes:
        groups.setdefault((take.subject, take.action, take.trial), []).append(take)
    for (subject, action, trial), takes in groups.items():
        number = next(n for n, name in ACTION_NUMBERS.items() if name == action)
        named = {"Photo": "TakingPhoto", "WalkDog": "WalkingDog"}.get(action, action)
        folder = root / f"S{subject}" / f"{named}-{trial}"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [(take, t) for take in takes for t in take.kept]
        with h5py.File(folder / "annot.h5", "w") as file:
            file["pose/2d"] = np.concatenate([in_32(take.px[take.kept]) for take in takes])
            file["pose/3d"] = np.concatenate([in_32(take.cam_mm[take.kept]) for take in takes])
            file["pose/3d-univ"] = 1.05 * file["pose/3d"][:]
            file["frame"] = np.array([t + 1 for _, t in rows])
            file["camera"] = np.array([take.serial for take, _ in rows])
            for name, value in (("subject", subject), ("action", number), ("subaction", trial)):
                file[name] = np.full(len(rows), value)
            for take in takes:
                # Fitted without lens distortion, as that code does it.
                cam, px = take.cam_mm.reshape(-1, 3), take.px.reshape(-1, 2)
                fits = [np.linalg.lstsq(cam[:, [i, 2]], px[:, i] * cam[:, 2], rcond=None)[0] for i in (0, 1)]
                file[f"intrinsics/{take.serial}"] = np.concatenate(fits)
        for take in takes:
            write_images(folder / "imageSequence", take, lambda take, t: f"{take.serial}/img_{t + 1:06d}.jpg")
    return root


def write_posenet_json(root: Path, people: People, translation: str = "t") -> Path:
    """``translation``: "t" of ``R X + t`` or "T" of ``R (X - T)``, both in use under the name t."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)

    def image(take, t):
        number = next(n for n, name in ACTION_NUMBERS.items() if name == take.action)
        folder = f"s_{take.subject:02d}_act_{number:02d}_subact_{take.trial:02d}_ca_{take.camera + 1:02d}"
        return f"{folder}/{folder}_{t + 1:06d}.jpg"

    for subject in SUBJECTS:
        images, annotations, joints, cameras = [], [], {}, {}
        for take in people.of(subject):
            camera = people.cameras[subject, take.camera]
            number = next(n for n, name in ACTION_NUMBERS.items() if name == take.action)
            for t in range(len(take.px)):  # all frames at 50 fps are annotated, every 5th has an image here
                images.append(
                    {
                        "id": len(images),
                        "file_name": image(take, t),
                        "width": WIDTH,
                        "height": HEIGHT,
                        "subject": subject,
                        "action_name": take.action,
                        "action_idx": number,
                        "subaction_idx": take.trial,
                        "cam_idx": take.camera + 1,
                        "frame_idx": t,
                    }
                )
                pinhole = take.cam_mm[t] @ camera.k.T
                pinhole = pinhole[:, :2] / pinhole[:, 2:]
                low, high = pinhole.min(0), pinhole.max(0)
                size = 1.2 * (high - low - 1)
                annotations.append(
                    {
                        "id": len(annotations),
                        "image_id": len(images) - 1,
                        "bbox": [*((low + high) / 2 - size / 2), *size],
                        "keypoints_vis": [True] * 17,
                    }
                )
                place = joints.setdefault(str(number), {}).setdefault(str(take.trial), {})
                place[str(t)] = take.world_mm[t][RIGHT_FIRST].tolist()
            place = camera.position_mm if translation == "T" else -camera.rotation @ camera.position_mm
            cameras[str(take.camera + 1)] = {
                "R": camera.rotation.tolist(),
                "t": place.tolist(),
                "f": camera.lens[:2].tolist(),
                "c": camera.lens[2:4].tolist(),
            }
            write_images(root / "images", take, image)
        name = f"Human36M_subject{subject}"
        data = {"images": images, "annotations": annotations}
        for kind, content in (("data", data), ("camera", cameras), ("joint_3d", joints)):
            (root / "annotations" / f"{name}_{kind}.json").write_text(json.dumps(content))
    return root


def write_videopose3d(root: Path, people: People) -> Path:
    positions: dict = {f"S{subject}": {} for subject in SUBJECTS}
    for take in people.takes:
        if take.camera == 0:
            positions[f"S{take.subject}"][take.take] = (in_32(take.world_mm) / 1000).astype(np.float32)
    root.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d=positions)
    return root
