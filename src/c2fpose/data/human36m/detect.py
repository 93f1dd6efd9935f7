"""What a directory holds, so that a wrong ``source=`` or another data set is named before anything is read."""

from pathlib import Path

from c2fpose.base.errors import DataError

# Patterns below the directory; the first that matches decides.
SOURCES = {
    "c2f": ("annot/train.h5", "annot/valid.h5", "annot/*_images.txt"),
    "mmpose": ("annotation_body3d", "annotation_body3d/fps*/h36m_*.npz"),
    "posenet_json": ("annotations/Human36M_subject*.json", "Human36M_subject*.json"),
    "videopose3d": ("data_3d_h36m*.npz",),
    "h36m_fetch": ("S*/*-[12]/annot.h5", "S*/*-[12]/imageSequence", "processed/S*/*-[12]/annot.h5"),
    "raw": ("S*/Videos", "S*/MyPoseFeatures", "S*/Poses_D*_Positions*"),
}
OTHERS = {
    "COCO": ("annotations/person_keypoints_*.json", "annotations/instances_*.json"),
    "MPII": ("mpii_human_pose_v1*", "annot/mpii_*"),
    "MPI-INF-3DHP": ("S*/Seq*/imageSequence", "S*/Seq*/annot.mat"),
    "3DPW": ("sequenceFiles", "imageFiles/courtyard_*"),
    "HumanEva": ("S*/Image_Data", "S*/Mocap_Data"),
    "an output of this command": ("train.h5", "test.h5"),
}


def check_source(source: str, path: Path) -> None:
    """Refuse a directory that does not hold what ``source`` reads, saying what it holds.

    Raises ``DataError``.
    """
    if not path.exists():
        raise DataError(f"{path}: no such directory")
    if path.is_file():
        if source == "videopose3d":
            return
        raise DataError(f"{path}: is a file; source={source} reads a directory")
    if _matches(path, SOURCES[source]):
        return
    for other, patterns in SOURCES.items():
        if _matches(path, patterns):
            raise DataError(f"{path}: holds what source={other} reads, not source={source}")
    for data_set, patterns in OTHERS.items():
        if _matches(path, patterns):
            raise DataError(f"{path}: holds {data_set}, not Human3.6M as source={source} reads it")
    archives = sorted(file.name for pattern in ("*.tgz", "*.tar", "*.tar.gz", "*.zip") for file in path.glob(pattern))
    if archives:
        raise DataError(f"{path}: holds archives ({archives[0]} ...); unpack them first")
    inside = ", ".join(sorted(file.name for file in path.iterdir())[:4]) or "nothing"
    expected = " or ".join(SOURCES[source][:2])
    raise DataError(f"{path}: holds no Human3.6M as source={source} reads it ({expected}); it holds {inside}")


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(next(path.glob(pattern), None) is not None for pattern in patterns)
