"""Source ``raw``: the official release: CDF poses, MP4 videos, ``metadata.xml``.

``S1/Videos/Directions 1.54138969.mp4``, ``S1/MyPoseFeatures/D3_Positions_mono/Directions 1.54138969.cdf`` and
``D2_Positions`` alike; folders ``S1/Poses_D3_Positions_mono`` of other unpacking scripts are found too.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import DataError, how_to_install, readable
from c2fpose.data.child import check_in_a_child
from c2fpose.data.human36m.calibration import Calibration
from c2fpose.data.human36m.frames import SequenceRecords, Video, Wanted, sequence_records
from c2fpose.data.human36m.sequences import SUBJECTS, TRIALS, Sequence, camera_of, take_of
from c2fpose.data.human36m.sources import Source
from c2fpose.data.videos import open_video
from c2fpose.pose.camera import world_to_camera
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS
from c2fpose.pose.skeleton import FROM_HUMAN36M_32

SOURCE = Source(holds=("S*/Videos", "S*/MyPoseFeatures", "S*/Poses_D*_Positions*"), stride=5, crop="box")
FULL_JOINTS = 32
POSE_FOLDERS = ("MyPoseFeatures/{}", "Poses_{}", "{}")


def read(path: Path, calibration: Calibration, stride: int, wanted: Wanted) -> Iterator[SequenceRecords]:
    """Every video but the corrupt one, with every ``stride``-th frame. Raises ``DataError`` naming the file."""
    for subject in SUBJECTS:
        cameras = range(len(CAMERA_SERIALS))
        asked_for = any(wanted(Sequence(subject, *take)) for take in product(range(len(ACTIONS)), TRIALS, cameras))
        if not (asked_for and (path / f"S{subject}").is_dir()):
            continue
        for sequence, video in _videos(path / f"S{subject}", subject):
            if not wanted(sequence):
                continue
            yield _read_sequence(path / f"S{subject}", sequence, video, calibration, stride)


def _videos(folder: Path, subject: int) -> list[tuple[Sequence, Path]]:
    archives = sorted(folder.glob("*.tgz")) + sorted(folder.parent.glob(f"*S{subject}*.tgz"))
    # Names with a dot before them are what macOS notes of a file, on other systems' disks
    files = sorted(file for file in (folder / "Videos").glob("[!.]*") if file.suffix.lower() == ".mp4")
    if not files:
        hint = f"; unpack {archives[0].name} first" if archives else ""
        raise DataError(f"{folder}/Videos: has no MP4 file{hint}")
    videos = []
    for file in files:
        name, _, serial = file.stem.rpartition(".")
        if name.upper().startswith("_ALL"):
            continue  # the subject's calibration recording
        camera = camera_of(serial if serial.isdigit() else -1, str(file))
        videos.append((Sequence(subject, *take_of(subject, name, str(file)), camera), file))
    return [(sequence, file) for sequence, file in sorted(videos) if not sequence.corrupt]


def _read_sequence(
    folder: Path, sequence: Sequence, video: Path, calibration: Calibration, stride: int
) -> SequenceRecords:
    mono = _pose_file(folder, "D3_Positions_mono", video.stem)
    world = _pose_file(folder, "D3_Positions", video.stem.rpartition(".")[0])
    if mono is not None:
        where, joints = str(mono), read_cdf(mono, 3)
    elif world is not None:
        where, joints = str(world), read_cdf(world, 3)
        joints = world_to_camera(joints, *calibration.place(sequence.subject, sequence.camera))
    else:
        raise DataError(f"{folder}: {video.name} has no poses (D3_Positions_mono/{video.stem}.cdf); half a download?")
    labels = _pose_file(folder, "D2_Positions", video.stem)
    pixels = None if labels is None else read_cdf(labels, 2)
    if pixels is not None and len(pixels) != len(joints):
        raise DataError(f"{labels}: {len(pixels)} frames, {where} has {len(joints)}; half a download?")
    if not len(joints):
        raise DataError(f"{where}: holds no frame; half a download?")
    kept = np.arange(0, len(joints), stride)
    _check_video(video, int(kept[-1]) + 1, len(joints))
    return sequence_records(
        sequence,
        kept + 1,
        joints[kept],
        calibration,
        Video(video),
        where,
        joints_px=None if pixels is None else pixels[kept],
    )


def _pose_file(folder: Path, kind: str, stem: str) -> Path | None:
    """Find the CDF file of a recording; some unpacking scripts put an underscore where the release has a space."""
    names = dict.fromkeys([stem, stem.replace("_", " "), stem.replace(" ", "_")])
    candidates = (
        folder / pattern.format(kind) / f"{name}{ending}"
        for pattern in POSE_FOLDERS
        for name in names
        for ending in (".cdf", ".CDF")
    )
    return next((file for file in candidates if file.is_file()), None)


def read_cdf(path: Path, dimensions: int) -> Float[np.ndarray, "frames 17 {dimensions}"]:
    """Read the variable ``Pose`` of a CDF file, in C2F order. Raises ``DataError``."""
    try:
        import cdflib  # noqa: PLC0415  # of the extra h36m
    except ImportError:
        raise DataError(f"{path}: reading CDF files needs cdflib; {how_to_install('h36m')}") from None

    def read_pose() -> np.ndarray:
        return np.asarray(cdflib.CDF(path).varget("Pose"), np.float64)

    # It counts whatever a damaged header says
    again = "import cdflib\ncdflib.CDF(sys.argv[1]).varget('Pose')"
    check_in_a_child(path, "cdflib", read_pose, again)
    with readable(path, "not readable as a CDF file with Pose"):
        pose = read_pose()
    numbers = pose.shape[-1] if pose.ndim else 0
    if numbers != FULL_JOINTS * dimensions:
        raise DataError(
            f"{path}: poses of {numbers / dimensions:g} joints, expected the release's {FULL_JOINTS} "
            f"({dimensions} numbers each)"
        )
    return pose.reshape(-1, FULL_JOINTS, dimensions)[:, FROM_HUMAN36M_32]


def _check_video(path: Path, needed: int, annotated: int) -> None:
    """Refuse a video with fewer frames than its annotation asks for, by its own count; decoding tells the rest."""
    video = open_video(path)
    frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    video.release()
    if frames <= 0:
        raise DataError(f"{path}: not readable as a video; half a download? Unpack or copy it again")
    if frames < needed:
        raise DataError(f"{path}: {frames} frames for {annotated} annotated ones; half a download?")
