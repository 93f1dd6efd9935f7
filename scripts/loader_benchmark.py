"""How the loader compares with decoding its JPEGs alone, on two processes: ``python scripts/loader_benchmark.py``.

Full frames of 1000 x 1000 px, as Human3.6M's, from made-up pictures; augmented crops of 256 px about points 420 to
620 px from the top. Decoding alone is that of whole frames, by the same library, in the same kind of processes. The
loader leaves out rows below the crop, and where a crop needs fewer pixels than its box has, it decodes a smaller
picture; so there are boxes of three kinds, the first too small for that. Rounds of both are interleaved; medians are
printed. The limit to stay under: the loader at most 15 % slower.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from c2fpose.config.data import DataConfig
from c2fpose.data.datamodule import PoseData, settle_worker
from c2fpose.data.schema import SplitReader, write_split
from c2fpose.pose.box import person_box

FRAME_PX = 1000
BATCH = 20
BOXES_PX = {
    "250 to 325, never decoded smaller": (250, 325),
    "230 to 500, as synth36's in Human3.6M's cameras": (230, 500),
    "450 to 750, people near the camera": (450, 750),
}


class DecodeOnly(Dataset):
    """Every image of a file, decoded whole and thrown away."""

    def __init__(self, reader: SplitReader) -> None:
        self.reader = reader

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, record: int) -> int:
        return cv2.imdecode(self.reader.jpeg(record), cv2.IMREAD_COLOR).shape[0]


def make_frames(number: int, noise: float, quality: int) -> list[bytes]:
    """Pictures with large and small patches, as a room has them, and the noise of a camera."""
    random = np.random.default_rng(0)
    frames = []
    for _ in range(number):
        frame = 128 + random.normal(0, noise, (FRAME_PX, FRAME_PX, 1))
        for patches, contrast in ((6, 60), (20, 40), (60, 20), (160, 10)):
            coarse = random.normal(0, contrast, (patches, patches, 3))
            frame = frame + cv2.resize(coarse, (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_CUBIC)
        picture = np.clip(frame, 0, 255).astype(np.uint8)
        frames.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())
    return frames


def make_file(folder: Path, records: int, frames: list[bytes], sides_px: tuple[float, float]) -> Path:
    """People 4.5 m away whose boxes have sides evenly spread between two."""
    random = np.random.default_rng(0)
    intrinsics = np.array([1145.0, 1145.0, 500.0, 500.0])
    unit = random.uniform(-0.5, 0.5, (records, 17, 2))
    unit[:, 0], unit[:, 1] = -0.5, 0.5
    middle_px = random.uniform((400, 420), (600, 620), (records, 1, 2))  # synth36's: median 515 px from the top
    joints_px = unit * (random.uniform(*sides_px, (records, 1, 1)) - 40) + middle_px
    depth = np.full((records, 17, 1), 4500.0)
    joints = np.concatenate([(joints_px - intrinsics[2:]) / intrinsics[:2] * depth, depth], axis=-1)
    center, scale = person_box(joints_px)
    annotations = {
        "joints_cam_mm": joints, "joints_px": joints_px, "center_px": center, "scale": scale,
        "intrinsics_px": np.tile(intrinsics, (records, 1)), "stored_left_top_px": np.zeros((records, 2)),
        "stored_step_px": np.ones(records), "subject": np.full(records, 1), "action": np.arange(records) % 15,
        "trial": np.arange(records) // 15 % 8 + 1, "camera": np.zeros(records), "frame": np.arange(records) + 1,
    }  # fmt: skip
    path = folder / "train.h5"
    images = (frames[number % len(frames)] for number in range(records))
    write_split(path, annotations, images, dataset="h36m", split="train", provenance={"benchmark": True})
    return path


def cpu_seconds(loader: DataLoader) -> float:
    """Processor time of the loader's processes and this one so far (Linux)."""
    total = 0.0
    for pid in (os.getpid(), *(worker.pid for worker in loader._iterator._workers)):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def cost_an_image(loader: DataLoader, count: Callable[[object], int]) -> tuple[float, float]:
    """Milliseconds by the clock and of processor time for one pass, an image."""
    started, used = time.perf_counter(), cpu_seconds(loader)
    images = sum(count(batch) for batch in loader)
    return 1e3 * (time.perf_counter() - started) / images, 1e3 * (cpu_seconds(loader) - used) / images


def compare(path: Path, workers: int, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Medians of (clock, processor) milliseconds an image: decoding alone, and the loader."""
    config = DataConfig(
        train_file=str(path), test_file=str(path), image_size=256, batch_size=BATCH, workers=workers, validation_every=8
    )
    data = PoseData(config)
    data._setup_training()
    plain = DataLoader(
        DecodeOnly(data.train.reader), batch_size=BATCH, num_workers=workers, persistent_workers=True,
        worker_init_fn=settle_worker,
    )  # fmt: skip
    runs = [(plain, len), (data.train_dataloader(), lambda batch: len(batch["record"]))]
    for loader, count in runs:
        sum(count(batch) for batch in loader)  # starts the processes
    costs = [[cost_an_image(*run) for run in runs] for _ in range(rounds)]
    return tuple(np.median(costs, axis=0))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=600)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--noise", type=float, default=1.0, help="standard deviation of the frames' noise, levels")
    arguments.add_argument("--quality", type=int, default=75, help="of the frames' JPEG")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    frames = make_frames(16, options.noise, options.quality)
    kilobytes = sum(map(len, frames)) / len(frames) / 1e3
    print(f"Frames of {kilobytes:.0f} kB, decoded by OpenCV {cv2.__version__} on both sides;")
    print("milliseconds an image, clock (processor):\n")
    print("| boxes, px | decoding alone | the loader | times |\n|---|---|---|---|")
    for boxes, sides_px in BOXES_PX.items():
        with tempfile.TemporaryDirectory() as folder:
            path = make_file(Path(folder), options.records, frames, sides_px)
            plain, ours = compare(path, options.workers, options.rounds)
        times = "{:.2f} ({:.2f})".format(*(ours / plain))
        print(f"| {boxes} | {plain[0]:.2f} ({plain[1]:.2f}) | {ours[0]:.2f} ({ours[1]:.2f}) | {times} |")


if __name__ == "__main__":
    main()
