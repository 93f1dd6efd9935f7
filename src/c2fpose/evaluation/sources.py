"""Test people of the sources of a mix, each source apart: in mm where it knows them, and in the picture."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch

from c2fpose.base.files import written_whole
from c2fpose.config.model import ModelConfig
from c2fpose.data.datamodule import PoseData
from c2fpose.model.inference import labelled_errors
from c2fpose.model.module import PoseModule
from c2fpose.model.precision import computing_in

Source = dict[str, Any]  # source, images, mpjpe_mm, off_percent, near_percent
FILE = "sources.csv"
NEAR_PERCENT = 10.0  # of the side of the box: joints as close as that count as found


def evaluate_sources(
    module: PoseModule,
    data: PoseData,
    folder: Path,
    read_as: ModelConfig | None = None,
    precision: str = "32-true",
) -> list[Source]:
    """Measure the sources that name a ``test_file``, and write ``sources.csv`` if there are any.

    Means over the joints that have a label: ``mpjpe_mm`` with the root depth given, ``off_percent`` of the side of the
    box in the picture, ``near_percent`` of the joints that are no further off than ``NEAR_PERCENT``. Empty: no label.
    """
    records: list[Source] = []
    was_training = module.training
    module.eval()
    for name, source in data.test_sources.items():
        parts = []
        with torch.no_grad(), computing_in(precision, module.device):
            for batch in data.source_loader(source):
                points = module.predict_points(batch["image"].to(module.device), read_as)
                parts.append(labelled_errors(points, batch, module.config.pose_space))
        in_mm, off = (
            np.concatenate([part.cpu().double().numpy() for part in each]) for each in zip(*parts, strict=True)
        )
        near = np.where(np.isnan(off), np.nan, 100.0 * (off <= NEAR_PERCENT))
        means = {"mpjpe_mm": _mean(in_mm), "off_percent": _mean(off), "near_percent": _mean(near)}
        records.append({"source": name, "images": len(off)} | means)
    module.train(was_training)
    if records:
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(folder / FILE) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, records[0])
            writer.writeheader()
            writer.writerows(records)
    return records


def as_lines(records: list[Source]) -> list[str]:
    """Say it on the screen, a line a source.

    >>> record = {"source": "photos", "images": 3, "mpjpe_mm": "", "off_percent": 5.25, "near_percent": 80.0}
    >>> as_lines([record, dict.fromkeys(record, "") | {"source": "none", "images": 2}])
    ['photos: 3 images, joints 5.2 % of the box off, 80.0 % of them within 10 %', 'none: 2 images']
    """
    words = {
        "mpjpe_mm": "MPJPE {:.1f} mm",
        "off_percent": "joints {:.1f} % of the box off",
        "near_percent": f"{{:.1f}} % of them within {NEAR_PERCENT:.0f} %",
    }
    return [
        ", ".join(
            [f"{each['source']}: {each['images']} images"]
            + [word.format(each[key]) for key, word in words.items() if each[key] != ""]
        )
        for each in records
    ]


def logged(records: list[Source]) -> dict[str, float]:
    """Name the same for a run's loggers."""
    return {
        f"test/{key}_{each['source']}": float(value)
        for each in records
        for key, value in each.items()
        if key not in ("source", "images") and value != ""
    }


def _mean(values: np.ndarray) -> float | str:
    return "" if np.isnan(values).all() else round(float(np.nanmean(values)), 4)
