"""Damaged tables, cameras and files of other people's forms: prepared as far as they go, or refused in one line."""

import io
from collections.abc import Callable
from pathlib import Path

import coco_files
import humaneva_files
import mpi_inf_3dhp_files
import numpy as np
import pytest
from coco_files import content
from own_data import make_folder, people, write_as, write_pictures
from torture import fuzz

from c2fpose.base.console import PlainConsole
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.preparation import prepare
from c2fpose.data.custom.readers.coco_wholebody import BODY, FEET

pytestmark = [pytest.mark.torture, pytest.mark.filterwarnings("ignore")]


def own(form: str) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        make_folder(folder, people(2))
        if form != "csv":
            (folder / "records.csv").unlink()
            write_as(folder, people(2), form)

    return write


def tabs(folder: Path) -> None:
    make_folder(folder, people(2))
    text = (folder / "records.csv").read_text()
    (folder / "records.csv").unlink()
    (folder / "records.tsv").write_text(text.replace(",", "\t"))


def coco(folder: Path) -> None:
    write_pictures(folder, people(2))
    coco_files.write(folder, content(people(2)))


def whole_body(folder: Path) -> None:
    write_pictures(folder, people(2))
    made = content(people(2), list(BODY))
    for annotation in made["annotations"]:
        annotation |= {"foot_kpts": annotation["keypoints"][-3:] * len(FEET), "foot_valid": True}
    coco_files.write(folder, made)


def mpi(form: str) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        mpi_inf_3dhp_files.write_training(folder / "S1" / "Seq1", 0, form)
        mpi_inf_3dhp_files.write_test(folder / "TS1", "v5" if form == "v5" else "v73")

    return write


def c3d(folder: Path) -> None:
    import c3d_files  # needs ezc3d, which writes it

    c3d_files.folder_of(folder)


# A parser: what source= says, the file that is damaged, and how a whole folder is written
PARSERS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "CSV": ("custom", "records.csv", own("csv")),
    "TSV": ("custom", "records.tsv", tabs),
    "JSON Lines": ("custom", "records.jsonl", own("jsonl")),
    "NPZ": ("custom", "records.npz", own("npz")),
    "cameras.yaml": ("custom", "cameras.yaml", own("csv")),
    "skeleton.yaml": ("custom", "skeleton.yaml", own("csv")),
    "COCO": ("coco", "people.json", coco),
    "COCO-WholeBody": ("coco_wholebody", "people.json", whole_body),
    "3DHP MAT 5": ("mpi_inf_3dhp", "S1/Seq1/annot.mat", mpi("v5")),
    "3DHP MAT 7.3": ("mpi_inf_3dhp", "S1/Seq1/annot.mat", mpi("v73")),
    "3DHP test": ("mpi_inf_3dhp", "TS1/annot_data.mat", mpi("v73")),
    "3DHP camera.calibration": ("mpi_inf_3dhp", "S1/Seq1/camera.calibration", mpi("v5")),
    "HumanEva poses": ("humaneva", humaneva_files.FILE_3D, humaneva_files.write),
    "HumanEva labels": ("humaneva", humaneva_files.FILE_2D, humaneva_files.write),
    "C3D": ("c3d", "anna/walk.c3d", c3d),
}

# Changes after which labels fit no camera in ways that NumPy and OpenCV end with errors of their own
FOUND = {"3DHP test": (596,), "HumanEva labels": (605,)}


@pytest.mark.parametrize("parser", PARSERS)
def test_damaged_files_are_prepared_or_refused_in_one_line(parser, tmp_path):
    source, name, write = PARSERS[parser]
    write(tmp_path)
    config = CustomConfig(
        source=source,
        path=tmp_path,
        out=tmp_path / "out",
        dry_run=True,
        test_share=0.5,
        images="pictures" if source.startswith("coco") else None,
    )

    def read() -> None:
        with np.errstate(all="ignore"):
            prepare(config, PlainConsole(file=io.StringIO()))

    read()
    assert fuzz(tmp_path / name, read, "", found=FOUND.get(parser, ()))
    assert not config.out.exists()
