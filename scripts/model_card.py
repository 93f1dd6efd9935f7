"""Measure the network that comes with the package; write docs/model_card.json, model_card.md and its pictures.

python scripts/model_card.py [ckpt=builtin] [synth36=data/synth36_small/test.h5]
    [synth_wild=data/synth_wild_medium/test.h5] [photographs=FOLDER] [out=docs]

``photographs``: a folder of photographs with ``people.json``, a list of {image, box: [left, top, side], joints_px:
{joint: [x, y]}}; without it the card has no such section. The text around the figures is ``scripts/model_card.md``;
``model_card_page.py`` draws the page again without measuring.
"""

import itertools
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from model_card_page import MEASURED, write_figures, write_page
from usage import say_how

from c2fpose.base.provenance import code_version, file_hash
from c2fpose.config.data import DataConfig
from c2fpose.config.prediction import SHIFT
from c2fpose.data.datamodule import PoseData
from c2fpose.evaluation.scores import Truth, predicted_poses_cam_mm
from c2fpose.evaluation.test_set import picture_of
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.networks.cost import network_cost
from c2fpose.model.volumes.points import from_points
from c2fpose.pictures.figure import save_png
from c2fpose.pictures.people import Person, sheet
from c2fpose.pose.metrics import aligned_joint_errors_mm, joint_errors_mm
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import JOINTS, LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER
from c2fpose.prediction.engines import Predictor, load_predictor
from c2fpose.prediction.photo import read_photo
from c2fpose.prediction.predictor import PosePredictor
from c2fpose.prediction.sizes import SIZES

DEFAULTS = {
    "ckpt": "builtin", "synth36": "data/synth36_small/test.h5", "synth_wild": "data/synth_wild_medium/test.h5",
    "photographs": "", "out": "docs",
}  # fmt: skip
NEAR = 0.1  # of the box: a joint closer to the truth counts as found
# Boxes about the labelled one, as other hands would draw it: size, and places to the right and below, in its sides
BOXES = tuple(
    (size, right, down)
    for size in (1.0, 0.95, 1.05)
    for right, down in ((0, 0), (0.05, 0), (-0.05, 0), (0, 0.05), (0, -0.05))
)
LARGE_PX = (24, 32, 48, 64, 96, 128, 256)  # pixels across the box


class Measured(NamedTuple):
    """A test set through the network: N people."""

    joints_box: np.ndarray  # (N, 17, 2)
    depth_rel_mm: np.ndarray  # (N, 17)
    truth: Truth
    data: PoseData

    @property
    def errors_mm(self) -> np.ndarray:
        """Of each joint, root depth given, (N, 17)."""
        return joint_errors_mm(self.poses_mm, self.truth.joints_cam_mm)

    @property
    def poses_mm(self) -> np.ndarray:
        return predicted_poses_cam_mm(self.joints_box, self.depth_rel_mm, self.truth, "ground_truth")

    @property
    def reconstruction_mm(self) -> np.ndarray:
        """After a similarity fit of each pose, (N, 17)."""
        return aligned_joint_errors_mm(self.poses_mm, self.truth.joints_cam_mm)

    @property
    def inside(self) -> np.ndarray:
        """Whether a joint lies within its box, (N, 17)."""
        return ((self.truth.joints_box >= 0) & (self.truth.joints_box < 1)).all(-1)

    @property
    def near(self) -> np.ndarray:
        """Whether a joint was found within a tenth of the box, (N, 17); of joints outside the box it says nothing."""
        return np.linalg.norm(self.joints_box - self.truth.joints_box, axis=-1) < NEAR


def measure(predictor: Predictor, test_file: str, shrink_to: int | None = None) -> Measured:
    """Predict a test file; ``shrink_to``: from crops of so few pixels across, as of people far away."""
    size = predictor.config.network.image_size
    data = PoseData(DataConfig(train_file="", test_file=test_file, image_size=size, augmentation=None, workers=0))
    data.setup("test")
    if shrink_to:
        data.test = _Shrunk(data.test, shrink_to)
    parts: dict[str, list[np.ndarray]] = {}
    for batch in data.test_dataloader():
        box, depth = from_points(predictor.predict_points(batch["image"]))
        for key, value in {**batch, "predicted_box": box, "predicted_depth": depth}.items():
            parts.setdefault(key, []).append(value.double().numpy() if value.is_floating_point() else value.numpy())
    arrays = {key: np.concatenate(values) for key, values in parts.items()}
    return Measured(arrays["predicted_box"], arrays["predicted_depth"], Truth.of(arrays), data)


class _Shrunk(torch.utils.data.Dataset):
    """Test images with less detail, at the size that the network takes."""

    def __init__(self, dataset: Any, pixels: int) -> None:
        self.dataset, self.pixels = dataset, pixels
        self.config, self.prepare = dataset.config, dataset.prepare

    def __len__(self) -> int:
        return len(range(0, len(self.dataset), 4))  # every fourth: seven sizes take long enough

    def __getitem__(self, position: int) -> Any:
        result = self.dataset[4 * position]
        image = result.sample["image"].transpose(1, 2, 0)
        if self.pixels < image.shape[0]:
            small = cv2.resize(image, (self.pixels, self.pixels), interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, image.shape[:2], interpolation=cv2.INTER_LINEAR)
        return result._replace(sample=result.sample | {"image": np.ascontiguousarray(image.transpose(2, 0, 1))})


# --- groups of people -----------------------------------------------------------------------------------------------


def facing(joints_mm: np.ndarray) -> np.ndarray:
    """How a body is turned, degrees, (N,): 0 faces the camera, 180 turns its back."""
    left, right = (joints_mm[:, sides].sum(1) for sides in ([LEFT_SHOULDER, LEFT_HIP], [RIGHT_SHOULDER, RIGHT_HIP]))
    forward, towards_camera = np.cross(left - right, _trunk(joints_mm)), -joints_mm[:, 0]
    lengths = np.linalg.norm(forward, axis=1) * np.linalg.norm(towards_camera, axis=1)
    return np.degrees(np.arccos(np.clip((forward * towards_camera).sum(1) / lengths, -1, 1)))


def lean(joints_mm: np.ndarray) -> np.ndarray:
    """Angle of the trunk to the picture's upward direction, degrees, (N,)."""
    up = _trunk(joints_mm)
    return np.degrees(np.arccos(np.clip(-up[:, 1] / np.linalg.norm(up, axis=1), -1, 1)))


def _trunk(joints_mm: np.ndarray) -> np.ndarray:
    """From the hips to the shoulders, twice as long, (N, 3)."""
    return joints_mm[:, [LEFT_SHOULDER, RIGHT_SHOULDER]].sum(1) - joints_mm[:, [LEFT_HIP, RIGHT_HIP]].sum(1)


def by_group(measured: Measured, names: list[str], group: np.ndarray) -> list[dict[str, Any]]:
    """Figures of each group of people that has any: how many, MPJPE, reconstruction error, share of joints found."""
    return [_figures(measured, name, group == index) for index, name in enumerate(names) if (group == index).any()]


def _figures(measured: Measured, name: str, chosen: np.ndarray) -> dict[str, Any]:
    return {
        "name": name,
        "people": int(chosen.sum()),
        "mpjpe_mm": float(measured.errors_mm[chosen].mean()),
        "reconstruction_mm": float(measured.reconstruction_mm[chosen].mean()),
        "near_percent": _percent(measured.near[chosen][measured.inside[chosen]]),
    }


def _percent(found: np.ndarray) -> float | None:
    """How much of it is true; of nothing, None."""
    return float(100 * found.mean()) if found.size else None


def ranges(values: np.ndarray, edges: tuple[float, ...], unit: str) -> tuple[list[str], np.ndarray]:
    """Names and numbers of the intervals that values fall into."""
    names = [f"{low:g} to {high:g}{unit}" for low, high in itertools.pairwise(edges)]
    return names, np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(names) - 1)


def people(measured: dict[str, Measured], postures: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Every group of people, and every joint, by the name of its table."""
    own, wild = measured["synth36"], measured["synth_wild"]
    turned = ranges(facing(wild.truth.joints_cam_mm), (0, 45, 90, 135, 180), "°")
    leaning = ranges(lean(wild.truth.joints_cam_mm), (0, 30, 60, 90, 180), "°")
    shown = ["fewer than 9 joints", "9 to 12", "13 to 16", "all 17"]
    return {
        "test_sets": [_figures(one, name, np.ones(len(one.inside), bool)) for name, one in measured.items()],
        "actions": by_group(own, list(ACTIONS), own.truth.action),
        "postures": by_group(wild, postures, wild.truth.action),
        "facing": by_group(wild, *turned),
        "lean": by_group(wild, *leaning),
        "joints_shown": by_group(wild, shown, ranges(wild.inside.sum(1), (0, 9, 13, 17, 18), "")[1]),
        "joints": [
            {"name": joint}
            | {f"{name}_mpjpe_mm": float(one.errors_mm[:, index].mean()) for name, one in measured.items()}
            | {f"{name}_near_percent": _percent(one.near[:, index][one.inside[:, index]])
               for name, one in measured.items()}
            for index, joint in enumerate(JOINTS)
        ],
    }  # fmt: skip


def sizes(predictor: Predictor, test_file: str) -> list[dict[str, Any]]:
    """Errors of people far away."""
    rows = []
    for pixels in LARGE_PX:
        one = measure(predictor, test_file, shrink_to=pixels)
        rows.append(_figures(one, f"{pixels} px across the box", np.ones(len(one.inside), bool)))
    return rows


# --- photographs ----------------------------------------------------------------------------------------------------


def photographs(ckpt: str, folder: Path) -> dict[str, Any]:
    """What people with labelled joints in photographs say: in the box as given, and in fifteen about it."""
    figures: dict[str, Any] = {"people_json_sha256": file_hash(folder / "people.json")}
    for way, sizes, shift in (("one_look", (1.0,), 0.0), ("moved", (1.0,), SHIFT), ("surest_moved", SIZES, SHIFT)):
        off, missed = distances_in_photographs(PosePredictor(ckpt, sizes=sizes, shift=shift), folder)
        near = 100 * (off < NEAR).mean(1)
        figures[way] = {
            "near_percent": {"labelled": near[0], "boxes": near.mean(), "worst": near.min(), "best": near.max()},
            "median_percent": {"labelled": 100 * float(np.median(off[0])), "boxes": 100 * float(np.median(off))},
            "missed": {"labelled": int(missed[0]), "boxes": float(missed.mean())},
        }
    return figures


def distances_in_photographs(predict: PosePredictor, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Each labelled joint's distance in sides of the labelled box, and how many people were missed.

    For each of ``BOXES`` about the labelled one, which comes first: (boxes, joints) and (boxes,).
    """
    distances, missed = [], []
    for size, right, down in BOXES:
        of_all: list[float] = []
        away = 0
        for person in json.loads((folder / "people.json").read_text()):
            left, top, side = person["box"]
            box = [left + (right + (1 - size) / 2) * side, top + (down + (1 - size) / 2) * side, size * side]
            result = predict(read_photo(folder / person["image"]), [box])
            joints_px, truth = result.frames[0].people[0].joints_px, person["joints_px"]
            off = [np.linalg.norm(joints_px[JOINTS.index(joint)] - at) / side for joint, at in truth.items()]
            of_all += off
            away += np.mean(off) > 0.3
        distances.append(of_all)
        missed.append(away)
    return np.array(distances), np.array(missed)


# --- pictures and page ----------------------------------------------------------------------------------------------


def failures(measured: Measured, families: list[str]) -> dict[str, list[Person]]:
    """People that are hit best, ordinarily, and worst, far enough apart in the order to differ."""
    errors = measured.errors_mm.mean(1)
    order = np.argsort(errors)
    places = {
        "good": np.linspace(0.05, 0.3, 4), "ordinary": np.linspace(0.4, 0.7, 4), "fails": np.linspace(0.93, 0.995, 4),
    }  # fmt: skip
    return {
        name: [_person(measured, order[int(share * len(order))], families, errors) for share in shares]
        for name, shares in places.items()
    }


def _person(measured: Measured, index: int, families: list[str], errors: np.ndarray) -> Person:
    truth = measured.truth
    box = truth.box_left_top_px[index], float(truth.box_side_px[index])
    return Person(
        image=picture_of(measured.data.test.reader, int(truth.record[index]), *box),
        joints_box=measured.joints_box[index],
        pose_cam_mm=measured.poses_mm[index],
        true_cam_mm=truth.joints_cam_mm[index],
        caption=families[truth.action[index]].replace("_", " "),
        error_mm=float(errors[index]),
    )


def facts(predictor: Predictor, path: Path) -> dict[str, Any]:
    """What the file says about itself."""
    origin, network = predictor.provenance, predictor.config.network
    cost = network_cost(network)
    return {
        "sha256": file_hash(path),
        "file_bytes": path.stat().st_size,
        "image_px": network.image_size,
        "cells": network.heatmap_size,
        "depth_bins": network.depth_bins,
        "depths": list(network.depths),
        "parameters": cost["parameters"],
        "flops": cost["flops"],
        "code_version": origin.get("code_version"),
        "data_fingerprints": origin["data_fingerprints"],
    }


def main(words: list[str]) -> None:
    settings = DEFAULTS | dict(word.partition("=")[::2] for word in words)
    unknown = set(settings) - set(DEFAULTS)
    if unknown:
        raise SystemExit(f"error: {min(unknown)}: no such key; one of {', '.join(DEFAULTS)}")
    out = Path(settings["out"])
    measure_all(settings, out)
    print(f"{write_page(out)}: written")


def measure_all(settings: dict[str, str], out: Path) -> None:
    """Write figures and pictures."""
    predictor = load_predictor(settings["ckpt"], precision="32-true")
    measured = {name: measure(predictor, settings[name]) for name in ("synth36", "synth_wild")}
    infos = {name: one.data.test.reader.info for name, one in measured.items()}
    postures, folder = infos["synth_wild"].provenance["families"], settings["photographs"]
    figures = people(measured, postures) | {
        "digits": MEASURED,
        "measured_by": code_version(),
        "test_files": {name: {"file": settings[name], "fingerprint": info.fingerprint} for name, info in infos.items()},
        "network": facts(predictor, checkpoint_path(settings["ckpt"])),
        "sizes": sizes(predictor, settings["synth_wild"]),
        "photographs": photographs(settings["ckpt"], Path(folder)) if folder else None,
    }
    picture = save_png(sheet(failures(measured["synth_wild"], postures)), out / "images" / "model_card.png")
    cv2.imwrite(str(picture.with_suffix(".jpg")), cv2.imread(str(picture)), [cv2.IMWRITE_JPEG_QUALITY, 85])
    picture.unlink()
    write_figures(figures, out)


if __name__ == "__main__":
    say_how(__doc__)
    main(sys.argv[1:])
