"""``python -m c2fpose.data.synth36.sheet file=... out=sheet.jpg``: people of a file, without and with their joints.

One cell for each action: the stored image, and beside it the same with the joints; the person's left is blue, the right
vermilion. It reads any file of the schema with images, Human3.6M's and your own too.
"""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from pydantic import Field

from c2fpose.base.errors import DataError, exits_cleanly
from c2fpose.base.files import ready_directory, write_bytes
from c2fpose.config.command_line import options
from c2fpose.config.schema import Schema
from c2fpose.data.crops import standard as crop
from c2fpose.data.schema import SplitReader
from c2fpose.pictures.palette import ON_PHOTOGRAPHS, joint_side, rgb
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX
from c2fpose.pose.skeleton import C2F17, Skeleton

COLORS = {side: rgb(color) for side, color in ON_PHOTOGRAPHS.items()}
SIDE_PX, GAP_PX, CAPTION_PX = 200, 10, 22
FINER = 2  # joints are drawn at so many times the size, and reduced
COLUMNS = 3
SHOWN_BOXES = 1.15  # side of what is shown, in sides of the person's box
INK, PAPER = (50, 50, 50), (255, 255, 255)
_SUBPIXEL_BITS = 4


class SheetConfig(Schema):
    """Keys of ``conf/synth36_sheet.yaml``."""

    file: Path
    out: Path
    seed: Annotated[int, Field(ge=0)]
    quality: Annotated[int, Field(ge=30, le=100)]
    of_each: Annotated[int, Field(ge=1, le=20)]
    columns: Annotated[int, Field(ge=1, le=12)]


@exits_cleanly
def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    config = options(SheetConfig, "synth36_sheet.yaml", arguments, positional="file")
    ready_directory(config.out.parent)  # before the work
    reader = SplitReader(config.file)
    image = sheet(reader, choose(reader.annotations, config.seed, config.of_each), config.columns)
    encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, config.quality])[1]
    write_bytes(config.out, encoded.tobytes())
    print(f"{config.out}: {image.shape[1]} x {image.shape[0]} px, {len(encoded) / 1024:.0f} kB")


def choose(annotations: dict[str, np.ndarray], seed: int, of_each: int = 1) -> list[int]:
    """Choose ``of_each`` records of each action there is at random, subjects and cameras in turn as far as they go."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    used: dict[str, list[int]] = {"subject": [], "camera": []}
    for action in np.repeat(np.unique(annotations["action"]), of_each):
        records = rng.permutation(np.setdiff1d(np.flatnonzero(annotations["action"] == action), chosen))
        if not len(records):
            continue
        seen = sum(
            np.array([used[name].count(value) for value in annotations[name][records].tolist()]) for name in used
        )
        record = int(records[np.argmin(seen)])
        chosen.append(record)
        for name, values in used.items():
            values.append(int(annotations[name][record]))
    return chosen


def sheet(reader: SplitReader, records: list[int], columns: int = COLUMNS) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw the page, RGB."""
    cells = [_cell(reader, record) for record in records]
    height, width = cells[0].shape[:2]
    lines = -(-len(cells) // columns)
    page = np.full((lines * (height + GAP_PX) + GAP_PX, columns * (width + GAP_PX) + GAP_PX, 3), PAPER, np.uint8)
    for number, cell in enumerate(cells):
        top, left = (
            GAP_PX + place * (size + GAP_PX)
            for place, size in zip(divmod(number, columns), (height, width), strict=True)
        )
        page[top : top + height, left : left + width] = cell
    return page


def draw_joints(
    image: UInt8[np.ndarray, "rows columns 3"], joints_px: Float[np.ndarray, "J 2"], skeleton: Skeleton = C2F17
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw limbs and joints on a copy, RGB; ``joints_px`` are continuous pixels of this image, NaN where not known."""
    drawn = np.array(image)
    known = np.isfinite(joints_px).all(1)
    places = np.rint((np.where(known[:, None], joints_px, 0.0) - 0.5) * (1 << _SUBPIXEL_BITS)).astype(int)
    limbs = [(start, end) for start, end in skeleton.limbs if known[start] and known[end]]
    for start, end in limbs:
        line = (places[start].tolist(), places[end].tolist())
        cv2.line(drawn, *line, (20, 20, 20), 5, cv2.LINE_AA, _SUBPIXEL_BITS)
    for start, end in limbs:
        line = (places[start].tolist(), places[end].tolist())
        cv2.line(drawn, *line, COLORS[joint_side(end, skeleton)], 3, cv2.LINE_AA, _SUBPIXEL_BITS)
    for joint in np.flatnonzero(known).tolist():
        place = places[joint].tolist()
        cv2.circle(drawn, place, 64, COLORS[joint_side(joint, skeleton)], -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return drawn


def _cell(reader: SplitReader, record: int) -> UInt8[np.ndarray, "rows columns 3"]:
    stored = crop.decode(reader.jpeg(record))
    if stored is None:
        raise DataError(f"{reader.path}: record {record} ({reader.name(record)}): the JPEG cannot be decoded")
    row = {name: array[record] for name, array in reader.annotations.items()}
    side_px = SHOWN_BOXES * BOX_SCALE_UNIT_PX * float(row["scale"])
    to_crop = crop.frame_to_crop(row["center_px"].astype(float), side_px, FINER * SIDE_PX)
    from_stored = crop.stored_to_crop(to_crop, row["stored_left_top_px"].astype(float), float(row["stored_step_px"]))
    image = crop.warp(stored, from_stored, FINER * SIDE_PX)
    with_joints = draw_joints(image, crop.transform(to_crop, row["joints_px"].astype(float)), reader.info.skeleton)
    image, with_joints = (
        cv2.resize(each, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for each in (image, with_joints)
    )
    caption = np.full((CAPTION_PX, 2 * SIDE_PX, 3), PAPER, np.uint8)
    info = reader.info
    camera = info.camera_names[row["camera"]] if info.provenance.get("cameras") else row["camera"] + 1
    action = info.action_names[row["action"]].replace("_", " ")
    text = f"{action}  {info.subject_name(int(row['subject']))}, camera {camera}"
    cv2.putText(caption, text, (1, CAPTION_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.44, INK, 1, cv2.LINE_AA)
    return np.vstack([caption, np.hstack([image, with_joints])])


if __name__ == "__main__":
    main()
