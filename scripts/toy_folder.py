"""``python scripts/toy_folder.py SPLIT.h5 DIR [count]``: a folder of pictures and one CSV, as people have them, to try.

Of rendered people: whole frames as JPEG, and ``joints.csv`` with columns as another program might write them: file,
person, activity, camera, the joints in px (``left_knee_x``) and in mm in the camera's frame (``left_knee_x_mm``).
Neither a skeleton nor the cameras are told.
"""

import csv
import sys

import cv2
import numpy as np
from usage import say_how

from c2fpose.base.files import ready_directory
from c2fpose.data.schema import SplitReader

FRAME_PX = (1000, 1002)  # as the largest of Human3.6M's


def main() -> None:
    """Write the folder."""
    split, folder = SplitReader(sys.argv[1]), ready_directory(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    names = split.info.skeleton.names
    heading = ["file", "person", "activity", "camera"]
    heading += [f"{name}_{axis}" for name in names for axis in "xy"]
    heading += [f"{name}_{axis}_mm" for name in names for axis in "xyz"]
    chosen = np.linspace(0, len(split) - 1, min(count, len(split))).round().astype(int)
    ready_directory(folder / "pictures")
    with open(folder / "joints.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(heading)
        for number, record in enumerate(chosen):
            table = {name: values[record] for name, values in split.annotations.items()}
            name = f"{number:05d}.jpg"
            cv2.imwrite(str(folder / "pictures" / name), frame_of(split, int(record)))
            joints = [*table["joints_px"].ravel(), *table["joints_cam_mm"].ravel()]
            person, action = f"person{table['subject']}", split.info.action_names[table["action"]]
            words = [person, action, f"cam{table['camera']}_{person}"]  # each person was filmed with a set of their own
            writer.writerow([name, *words, *(f"{value:.2f}" for value in joints)])
    print(f"{folder}: {len(chosen)} pictures and joints.csv")


def frame_of(split: SplitReader, record: int) -> np.ndarray:
    """The whole frame: grey, with what is stored of it in its place."""
    table = {name: values[record] for name, values in split.annotations.items()}
    width, height = FRAME_PX
    stored = cv2.imdecode(split.jpeg(record), cv2.IMREAD_COLOR)
    step = float(table["stored_step_px"])
    left, top = table["stored_left_top_px"]
    move = np.array([[step, 0, left], [0, step, top]], np.float64)
    grey = np.full((height, width, 3), 128, np.uint8)
    return cv2.warpAffine(stored, move, (width, height), dst=grey, borderMode=cv2.BORDER_TRANSPARENT)


if __name__ == "__main__":
    say_how(__doc__, 2)
    main()
