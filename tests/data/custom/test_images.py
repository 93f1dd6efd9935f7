"""Pictures of one's own are stored as they look, whatever they are made of."""

import cv2
import numpy as np
import pytest
from own_data import (
    SIZE_PX,
    make_folder,
    people,
    prepared,
    project,
    write_table,
)  # fmt: skip
from PIL import Image

from c2fpose.base.errors import DataError
from c2fpose.data.crops.standard import decode
from c2fpose.data.verification.checks import image_fault


def test_pictures_are_stored_as_they_look(tmp_path):
    """Grey of 16 bits, transparent parts, and a JPEG with something behind its end, all of it stored."""
    records = people(4)
    folder = make_folder(tmp_path, records)
    grey = np.tile(np.linspace(0, 65535, SIZE_PX[0]).astype(np.uint16), (SIZE_PX[1], 1))
    Image.fromarray(grey).save(folder / "pictures" / "grey.png")
    clear = np.zeros((SIZE_PX[1], SIZE_PX[0], 4), np.uint8)
    Image.fromarray(clear).save(folder / "pictures" / "clear.png")
    padded = {"short.jpg": 20, "long.jpg": 300}
    for name, count in padded.items():
        jpeg = (folder / records[2]["image"]).read_bytes()
        (folder / "pictures" / name).write_bytes(jpeg + bytes(count))
    for record, name in zip(records, ("grey.png", "clear.png", *padded), strict=True):
        record["image"] = f"pictures/{name}"
    write_table(folder, records)
    reader = prepared(folder, crop="none", test_share=0)["train"]
    by_frame = dict(zip(reader.annotations["frame"].tolist(), range(4), strict=True))
    images = [decode(reader.jpeg(by_frame[number])) for number in (1, 2, 3, 4)]
    assert abs(images[0][:, 160].mean() - 127.5) < 2 and images[0][:, :8].max() < 12
    assert images[1].min() > 250
    np.testing.assert_allclose(images[2].astype(int), images[3].astype(int), atol=6)
    assert all(image_fault(reader, by_frame[number]) is None for number in (3, 4))


def test_stored_pictures_show_the_joints_where_the_annotations_say(tmp_path):
    records = people(2)
    reader = prepared(make_folder(tmp_path, records), test_share=0, stored_px=96)["train"]
    for row in range(2):
        record = next(each for each in records if each["frame"] == reader.annotations["frame"][row])
        image = cv2.imdecode(reader.jpeg(row), cv2.IMREAD_COLOR)[..., ::-1].astype(int)
        assert image.shape == (96, 96, 3)
        table = reader.annotations
        stored = (record["px"] - table["stored_left_top_px"][row]) / table["stored_step_px"][row]
        right = 0
        for joint, (x, y) in enumerate(stored):
            colour = np.array([40 + 12 * joint, 250 - 12 * joint, 128])
            right += np.abs(image[int(y), int(x)] - colour).max() < 60
        assert right >= 14  # some lie under others


def test_videos_are_read_frame_by_frame(tmp_path):
    records = [
        record | {"image": "clip.avi", "camera": "left", "frame": number + 1} for number, record in enumerate(people(4))
    ]
    records = [record | {"px": project(record["cam_mm"], "left")} for record in records]
    folder = make_folder(tmp_path, [record | {"image": f"pictures/{n}.png"} for n, record in enumerate(records)])
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, SIZE_PX)
    for number in range(4):
        writer.write(cv2.imread(str(folder / f"pictures/{number}.png")))
    writer.release()
    write_table(folder, records)
    reader = prepared(folder, test_share=0, crop="none")["train"]
    for row, frame in enumerate(reader.annotations["frame"]):
        shown = cv2.imdecode(reader.jpeg(row), cv2.IMREAD_COLOR).astype(int)
        drawn = cv2.imread(str(folder / f"pictures/{frame - 1}.png")).astype(int)
        others = [cv2.imread(str(folder / f"pictures/{n}.png")).astype(int) for n in range(4) if n != frame - 1]
        assert np.abs(shown - drawn).mean() < min(np.abs(shown - other).mean() for other in others)


def test_pictures_are_found_by_names_with_dots_and_by_endings_in_other_letters(tmp_path):
    records = people(4)
    for number, record in enumerate(records):
        record["image"] = f"pictures/Walking 1.5413_{number:06d}.jpg"
    folder = make_folder(tmp_path, records)
    for number, ending in enumerate(("", ".JPG", ".jpg", "")):
        records[number]["image"] = f"pictures/Walking 1.5413_{number:06d}{ending}"
    write_table(folder, records)
    assert len(prepared(folder, test_share=0)["train"]) == 4


def test_a_picture_of_which_nobody_says_what_is_white_is_refused(tmp_path):
    """Integers of 32 bits up to 200 came out black."""
    records = people(2)
    folder = make_folder(tmp_path, records)
    Image.fromarray(np.full((SIZE_PX[1], SIZE_PX[0]), 200, np.int32)).save(folder / "pictures" / "deep.tif")
    records[1]["image"] = "pictures/deep.tif"
    write_table(folder, records)
    with pytest.raises(DataError, match=r"deep\.tif: .*integers from 200 to 200, and nothing says which is white"):
        prepared(folder, test_share=0)


@pytest.mark.parametrize("written", ["C:\\data\\imgs\\{}", "labeled-data/video 1/{}", "/elsewhere/{}"])
def test_paths_of_another_machine_are_found_by_their_last_part_and_that_is_said(tmp_path, capsys, written):
    records = people(4)
    folder = make_folder(tmp_path, records)
    for record in records:
        record["image"] = written.format(record["image"].removeprefix("pictures/"))
    write_table(folder, records)
    reader = prepared(folder, test_share=0, images="pictures")["train"]
    assert len(reader) == 4
    assert "000.jpg, as are 4 in all" in capsys.readouterr().err


def test_last_parts_that_are_alike_find_nothing(tmp_path):
    records = people(4)
    folder = make_folder(tmp_path, records)
    for number, record in enumerate(records):
        record["image"] = f"/elsewhere/{number}/000.jpg"
    write_table(folder, records)
    with pytest.raises(DataError, match=r"no picture /elsewhere/0/000\.jpg in .*4 records without their picture"):
        prepared(folder, test_share=0, images="pictures")


@pytest.mark.parametrize(("kind", "content", "message"), [
    ("heic", b"\0\0\0\x18ftypheic", "not an image of a known format; save it as JPEG or PNG$"),
    ("tif", None, "floating-point numbers of unknown range; save it as JPEG or PNG$"),
])  # fmt: skip
def test_whole_files_of_kinds_that_cannot_be_read_are_not_called_half_a_download(tmp_path, kind, content, message):
    records = people(2)
    folder = make_folder(tmp_path, records)
    path = folder / "pictures" / f"odd.{kind}"
    if content is None:
        Image.fromarray(np.full((SIZE_PX[1], SIZE_PX[0]), 0.5, np.float32)).save(path)
    else:
        path.write_bytes(content)
    records[1]["image"] = f"pictures/odd.{kind}"
    write_table(folder, records)
    with pytest.raises(DataError, match=message):
        prepared(folder, test_share=0)
