"""What may be right and seldom is: a warning, and the files are written."""

import pytest
import yaml
from own_data import make_folder, people, prepared, write_pictures, write_table


def said(capsys) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_labels_of_smaller_pictures_than_these(tmp_path, capsys):
    """In px alone nothing else tells: all joints lie in one corner of all pictures."""
    records = [record | {"frame": turn + 1} for turn, record in enumerate(people() * 3)]
    folder = make_folder(tmp_path, records)
    write_table(folder, records, without=("mm", "camera"))
    (folder / "cameras.yaml").unlink()
    prepared(folder, dry_run=True)
    assert "warning" not in said(capsys)
    write_pictures(folder, records, (640, 480))
    prepared(folder, dry_run=True)
    found = said(capsys)
    assert (
        "warning: no joint in px lies beyond" in found and "were the pictures smaller when they were labelled?" in found
    )


@pytest.mark.parametrize(("sizes", "message"), [
    ([(640, 480)], "camera left: cx, cy lie at 25% and 25% of its pictures' width and height: are intrinsics_px"),
    ([(320, 240), (640, 480)], "camera left: pictures of 320 x 240 and 640 x 480 px, and intrinsics_px are of one"),
])  # fmt: skip
def test_intrinsics_of_other_pictures_than_these(tmp_path, capsys, sizes, message):
    """Joints in mm alone are projected by them, and lie in all pictures where nobody is."""
    records = people()
    folder = make_folder(tmp_path, records, image_size_px=None)
    prepared(folder, dry_run=True)
    write_table(folder, records, without=("px",))
    prepared(folder, dry_run=True)
    assert "warning" not in said(capsys)
    for turn, size in enumerate(sizes):
        write_pictures(folder, records[4 * turn :], size)
    prepared(folder, dry_run=True)
    assert f"warning: {message}" in said(capsys)
    assert "image_size_px" not in yaml.safe_load((folder / "cameras.yaml").read_text())["left"]
