"""Cells of one's own table: text that comes as bytes, numbers that no file could hold."""

import numpy as np
import pytest
from own_data import (
    make_folder,
    people,
    prepared,
    write_as,
)  # fmt: skip

from c2fpose.base.errors import DataError


def test_names_in_bytes_are_text(tmp_path):
    folder = make_folder(tmp_path)
    path = write_as(folder, people(), "npz")
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"subject": np.char.encode(arrays["subject"].astype(str))})
    (folder / "records.csv").unlink()
    assert set(prepared(folder)["train"].info.subject_names.values()) == {"anna", "ben", "cleo", "dora"}


@pytest.mark.parametrize(("column", "value", "most"), [
    ("frame", 2**31, 2**31 - 2), ("frame", "1e20", 2**31 - 2), ("trial", 65537, 32766), ("trial", "inf", 32766),
])  # fmt: skip
def test_numbers_that_the_file_cannot_hold_are_refused(tmp_path, column, value, most):
    folder = make_folder(tmp_path)
    lines = (folder / "records.csv").read_text().splitlines()
    place = lines[0].split(",").index(column) if column in lines[0].split(",") else None
    rows = [line.split(",") for line in lines]
    for number, row in enumerate(rows):
        if place is None:
            row.append(column if number == 0 else "1")
    rows[3][-1 if place is None else place] = str(value)
    (folder / "records.csv").write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(DataError, match=rf"line 4: {column}: .*expected a whole number from 0 to {most}"):
        prepared(folder)
