"""What a directory holds, so that a wrong ``source=`` or another data set is named before anything is read."""

from pathlib import Path

from c2fpose.base.errors import DataError
from c2fpose.data.human36m.sources import names, source_of

# Patterns below a directory of another data set; the first that matches decides.
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
        if source_of(source).single_file:
            return
        raise DataError(f"{path}: is a file; source={source} reads a directory")
    holds = source_of(source).holds
    if _matches(path, holds):
        return
    for other in names():
        if _matches(path, source_of(other).holds):
            raise DataError(f"{path}: holds what source={other} reads, not source={source}")
    for data_set, patterns in OTHERS.items():
        if _matches(path, patterns):
            raise DataError(f"{path}: holds {data_set}, not Human3.6M as source={source} reads it")
    archives = sorted(file.name for pattern in ("*.tgz", "*.tar", "*.tar.gz", "*.zip") for file in path.glob(pattern))
    if archives:
        raise DataError(f"{path}: holds archives ({archives[0]} ...); unpack them first")
    inside = ", ".join(sorted(file.name for file in path.iterdir())[:4]) or "nothing"
    expected = " or ".join(holds[:2])
    raise DataError(f"{path}: holds no Human3.6M as source={source} reads it ({expected}); it holds {inside}")


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(next(path.glob(pattern), None) is not None for pattern in patterns)
