"""How true confidences and ellipsoids are, of one look and of the median of five; on test people, and in photographs.

    python scripts/confidence_of_looks.py CKPT DATA.h5 [PEOPLE] [PHOTOGRAPHS]

``PEOPLE`` of a data file, evenly spread, in their own boxes and cameras; errors with the root's depth given. A
photograph has no millimetres: there a joint is right within a tenth of the box, which is another question than the one
that a confidence answers, so only the order of joints can be judged. ``PHOTOGRAPHS``: as ``model_card.py`` reads them.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from box_sizes import stored_person
from model_card import NEAR
from scipy.stats import mannwhitneyu
from usage import say_how

from c2fpose import PosePredictor
from c2fpose.config.prediction import SHIFT
from c2fpose.data.schema import SplitReader
from c2fpose.evaluation.calibration import WITHIN_MM, coverage, expected_calibration_error
from c2fpose.pose.camera import back_project
from c2fpose.pose.skeleton import JOINTS
from c2fpose.prediction.photo import read_photo


def of_people(predict: PosePredictor, reader: SplitReader, records: Sequence[int]) -> str:
    """Say how often confidences and ellipsoids of a data file's people are right."""
    sure, errors_mm, covariances_mm2 = [], [], []
    for record in records:
        image, center, side, _, camera, truth_cam_mm = stored_person(reader, record)
        (person,) = predict(image, [[*(center - side / 2), side]], intrinsics_px=camera).frames[0].people
        depth_rel_mm = person.joints_cam_mm[:, 2] - person.root_depth_mm
        pose_cam_mm = back_project(person.joints_px, depth_rel_mm + truth_cam_mm[0, 2], camera)
        errors_mm.append(pose_cam_mm - truth_cam_mm)
        sure.append(person.confidence)
        covariances_mm2.append(person.covariance_mm2)
    said, error_mm = np.concatenate(sure), np.concatenate(errors_mm)
    right = np.linalg.norm(error_mm, axis=1) < WITHIN_MM
    held = coverage(np.concatenate(covariances_mm2), error_mm)
    return (
        f"said {100 * said.mean():.1f} %, within {WITHIN_MM:g} mm {100 * right.mean():.1f} %, "
        f"calibration error {100 * expected_calibration_error(said, right):.1f} %, a right joint is surer than a wrong "
        f"one {100 * in_order(said, right):.1f} %; ellipsoids hold "
        + ", ".join(f"{100 * share:.0f} % for {100 * level:g}" for level, share in held.items())
    )


def of_photographs(predict: PosePredictor, folder: Path) -> str:
    """Say whether joints found in photographs are surer than others."""
    said, right = [], []
    for person in json.loads((folder / "people.json").read_text()):
        found = predict(read_photo(folder / person["image"]), [person["box"]]).frames[0].people[0]
        for joint, at in person["joints_px"].items():
            place = JOINTS.index(joint)
            said.append(found.confidence[place])
            right.append(np.linalg.norm(found.joints_px[place] - at) < NEAR * person["box"][2])
    sure, near = np.array(said), np.array(right)
    surest = near[np.argsort(-sure)[: len(sure) // 2]]
    return (
        f"said {100 * sure.mean():.1f} %, near {100 * near.mean():.1f} %, of the surer half "
        f"{100 * surest.mean():.1f} %, a near joint is surer than another {100 * in_order(sure, near):.1f} %"
    )


def in_order(said: np.ndarray, right: np.ndarray) -> float:
    """Give the share of pairs, one right and one wrong, of which the right one is surer: 0.5 is chance."""
    return float(mannwhitneyu(said[right], said[~right]).statistic / (right.sum() * (~right).sum()))


def main(ckpt: str, file: str, people: int, photographs: str | None) -> None:
    """Print both ways of looking at the same people."""
    reader = SplitReader(file)
    records = np.linspace(0, len(reader) - 1, people).astype(int)
    for name, shift in (("one look", 0.0), ("five looks", SHIFT)):
        predict = PosePredictor(ckpt, sizes=[1], shift=shift)
        print(f"{name}: {of_people(predict, reader, records)}", flush=True)
        if photographs:
            print(f"{name}, photographs: {of_photographs(predict, Path(photographs))}", flush=True)


if __name__ == "__main__":
    say_how(__doc__, 2)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 200, (sys.argv + [None] * 5)[4])
