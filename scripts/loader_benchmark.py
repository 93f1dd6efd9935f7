"""How the loader compares with decoding its JPEGs alone, on two processes: ``python scripts/loader_benchmark.py``.

Full frames of 1000 x 1000 px, as Human3.6M's, from pictures of noise and shapes; crops of 256 px. Rounds of both are
interleaved; medians are printed. The limit to stay under: the loader at most 15 % slower.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from c2fpose.data.box import person_box
from c2fpose.data.config import DataConfig
from c2fpose.data.datamodule import PoseData
from c2fpose.data.schema import SplitReader, write_split

FRAME_PX = 1000


class DecodeOnly(Dataset):
    """Every image of a file, decoded whole and thrown away."""

    def __init__(self, reader: SplitReader) -> None:
        self.reader = reader

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, record: int) -> int:
        return cv2.imdecode(self.reader.jpeg(record), cv2.IMREAD_COLOR).shape[0]


def make_file(folder: Path, records: int) -> Path:
    """Frames with the detail of a room, people of plausible size in them."""
    random = np.random.default_rng(0)
    joints = random.uniform(-700, 700, (records, 17, 3)) + np.array([0, 0, 4500])
    intrinsics = np.array([1145.0, 1145.0, 500.0, 500.0])
    joints_px = joints[..., :2] / joints[..., 2:] * intrinsics[:2] + intrinsics[2:]
    center, scale = person_box(joints_px)
    frames = []
    for _ in range(16):
        coarse = cv2.resize(random.integers(0, 256, (20, 20, 3), dtype=np.uint8), (FRAME_PX, FRAME_PX))
        noise = random.normal(0, 6, coarse.shape)
        frame = np.clip(coarse + noise, 0, 255).astype(np.uint8)
        frames.append(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
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


def seconds_an_image(run: Callable[[], int]) -> float:
    """``run`` returns how many images it went through."""
    started = time.perf_counter()
    images = run()
    return (time.perf_counter() - started) / images


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--records", type=int, default=600)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--workers", type=int, default=2)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = make_file(Path(folder), options.records)
        config = DataConfig(
            train_file=str(path), test_file=str(path), image_size=256, batch_size=20, workers=options.workers,
            validation_every=8,
        )  # fmt: skip
        data = PoseData(config)
        data._setup_training()
        plain = DataLoader(
            DecodeOnly(data.train.reader), batch_size=20, num_workers=options.workers, persistent_workers=True
        )
        loader = data.train_dataloader()
        runs = {
            "decoding alone": lambda: sum(len(sizes) for sizes in plain),
            "the loader": lambda: sum(len(batch["record"]) for batch in loader),
        }
        for run in runs.values():
            run()  # starts the workers
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                times[name].append(seconds_an_image(run))
    decode, ours = (statistics.median(times[name]) for name in runs)
    print("| what | ms an image, median | lowest | highest |\n|---|---|---|---|")
    for name, values in times.items():
        print(f"| {name} | {1e3 * statistics.median(values):.2f} | {1e3 * min(values):.2f} | {1e3 * max(values):.2f} |")
    print(f"\nThe loader takes {ours / decode:.2f} times the time of decoding alone on {options.workers} workers.")


if __name__ == "__main__":
    main()
