"""Error tables of one set of predictions: every root-depth rule, the quantisation floor and the mean pose beside it.

Pure: from arrays to an ``Evaluation``, which writes, reads and prints itself. Running a checkpoint is ``checkpoint``.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from rich import box
from rich.table import Table

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import DataError, readable
from c2fpose.base.files import written_whole
from c2fpose.pose.camera import ROOT_DEPTH_RULES, RULES_OF_DEPTHS
from c2fpose.pose.metrics import ActionTable, aligned_joint_errors_mm, joint_errors_mm, root_relative
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import JOINTS, ROOT
from c2fpose.pose.space import PAPER, PoseSpace
from c2fpose.pose.strong_perspective import SizedPoses
from c2fpose.pose.to_millimetres import box_to_frame_px, poses_cam_mm, quantised

NETWORK, PERFECT_VOLUME, MEAN_POSE = "network", "perfect volume", "mean pose"
DEPTH_ALONE, XY_ALONE = "depth alone", "x and y alone"
PREDICTORS = {
    NETWORK: "the predictions",
    PERFECT_VOLUME: "the truth at its cells' centres; means over cells can come below it",
    MEAN_POSE: "the mean pose of the training split, whatever the image",
    DEPTH_ALONE: "the predicted depths at the true x and y: depth's part of the error",
    XY_ALONE: "the predicted x and y at the true depths: their part of the error",
}
METRICS = {
    "mpjpe": "mean over all joints of the distance from the truth, both relative to the root, mm",
    "reconstruction": "the same after a similarity fit (rotation, scale, shift) of each pose, mm",
}
# Of the network with the root's depth given alone
AXES = {
    "x": "mean over all joints of how far they are off along the camera's x, both relative to the root, mm",
    "y": "the same along its y, mm",
    "depth": "the same along its z, mm",
}
# Of the network under each rule that finds the root's depth
ROOT_OFF = "root_depth_off"
ROOTS = {ROOT_OFF: "how far the root's depth is off, mm"}
AVERAGES = {
    "frame_weighted": "all test frames pooled: how the authors average",
    "mean_over_actions": "plain mean of the actions",
    "published_weighted": "actions weighted by their frames in Human3.6M's full test set",
}


@dataclass(frozen=True)
class Truth:
    """What predictions are compared with: the fields of a loader's batch of the same names, for all test images."""

    joints_box: Float[np.ndarray, "N J 2"]
    depth_rel_mm: Float[np.ndarray, "N J"]
    joints_cam_mm: Float[np.ndarray, "N J 3"]
    intrinsics_px: Float[np.ndarray, "N 4"]
    box_left_top_px: Float[np.ndarray, "N 2"]
    box_side_px: Float[np.ndarray, " N"]
    subject: Int[np.ndarray, " N"]
    action: Int[np.ndarray, " N"]
    record: Int[np.ndarray, " N"]

    @classmethod
    def of(cls, batch: Mapping[str, Any]) -> "Truth":
        """Pick the fields out of a batch, or of many concatenated; others are ignored."""
        return cls(**{field.name: np.asarray(batch[field.name]) for field in fields(cls)})


@dataclass(frozen=True)
class Row:
    """The error of one predictor under one rule, in one metric."""

    predictor: str  # of PREDICTORS
    root_depth: str | None  # of ROOT_DEPTH_RULES; None for the mean pose, which no root depth enters
    metric: str  # of METRICS
    table: ActionTable
    per_image_mm: Float[np.ndarray, " N"]  # mean over joints


@dataclass(frozen=True)
class Evaluation:
    """All rows for one set of test images; two evaluations can be compared image by image through ``record``."""

    rows: tuple[Row, ...]
    subject: Int[np.ndarray, " N"]
    action: Int[np.ndarray, " N"]
    record: Int[np.ndarray, " N"]  # of the test file
    provenance: dict[str, Any]  # of provenance.provenance, with the checkpoint's SHA-256
    joints: tuple[str, ...] = JOINTS  # names
    actions: tuple[str, ...] = ACTIONS  # names
    subject_names: dict[int, str] = field(default_factory=dict)  # of a data set that names them

    @property
    def frames(self) -> int:
        """Number of test images."""
        return len(self.record)

    def subject_name(self, image: int) -> str:
        """Return what the data set calls the person of an image, or S9, S11, ... where it has numbers alone."""
        number = int(self.subject[image])
        return self.subject_names.get(number, f"S{number}")

    def row(self, predictor: str, root_depth: str | None, metric: str = "mpjpe") -> Row:
        """One row; ``KeyError`` if this evaluation has none such."""
        return self._by_key[predictor, root_depth, metric]

    @property
    def rules(self) -> tuple[str, ...]:
        """List the root-depth rules that the network's poses have: strong perspective takes poses in mm."""
        return tuple(rule for rule in ROOT_DEPTH_RULES if self.has(NETWORK, rule))

    def mpjpe_mm(self, root_depth: str) -> float:
        """Return the network's MPJPE, frame-weighted."""
        return self.row(NETWORK, root_depth).table.frame_weighted()

    def reconstruction_mm(self, root_depth: str) -> float:
        """Return the network's reconstruction error, frame-weighted."""
        return self.row(NETWORK, root_depth, "reconstruction").table.frame_weighted()

    def has(self, predictor: str, root_depth: str | None, metric: str = "mpjpe") -> bool:
        """Tell whether there is such a row; earlier evaluations have fewer."""
        return (predictor, root_depth, metric) in self._by_key

    def axes_mm(self) -> dict[str, float]:
        """Give the network's error along x, y and depth; empty for an evaluation from before they were kept."""
        keys = [(NETWORK, "ground_truth", name) for name in AXES]
        return {key[2]: self._by_key[key].table.frame_weighted() for key in keys if key in self._by_key}

    @cached_property
    def _by_key(self) -> dict[tuple[str, str | None, str], Row]:
        return {(row.predictor, row.root_depth, row.metric): row for row in self.rows}

    def write(self, directory: Path) -> None:
        """Write ``evaluation.json`` and ``.csv`` for readers, ``.npz`` with sums and per-image errors.

        An error leaves all three as they were; a process that is killed as they get their names may not.
        """
        directory.mkdir(parents=True, exist_ok=True)
        arrays = {
            "sums_mm": np.stack([row.table.sums_mm for row in self.rows]),
            "frames": self.rows[0].table.frames,
            "per_image_mm": np.stack([row.per_image_mm for row in self.rows]).astype(np.float32),
            "subject": self.subject,
            "action": self.action,
            "record": self.record,
        }
        lines = [self._csv_line(row) for row in self.rows]
        with (
            written_whole(directory / "evaluation.json") as json_path,
            written_whole(directory / "evaluation.csv") as csv_path,
            written_whole(directory / "evaluation.npz") as npz_path,
        ):
            with open(npz_path, "wb") as file:
                np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
            with open(csv_path, "w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, lines[0])
                writer.writeheader()
                writer.writerows(lines)
            json_path.write_text(json.dumps(self._json(), indent=1, allow_nan=False) + "\n")

    @classmethod
    def read(cls, directory: Path) -> "Evaluation":
        """Read what ``write`` wrote. Raises ``DataError`` where it is missing or unfinished."""
        with readable(directory, "no complete evaluation", "evaluate the checkpoint again"):
            text = json.loads((directory / "evaluation.json").read_text())
            arrays = dict(np.load(directory / "evaluation.npz"))
            rows = tuple(
                Row(row["predictor"], row["root_depth"], row["metric"], ActionTable(sums, arrays["frames"]), per_image)
                for row, sums, per_image in zip(text["rows"], arrays["sums_mm"], arrays["per_image_mm"], strict=True)
            )
            joints, actions = (tuple(text["rows"][0][key]) for key in ("by_joint", "by_action"))
            people = {int(number): name for number, name in text.get("subject_names", {}).items()}
            images = (arrays["subject"], arrays["action"], arrays["record"])
            return cls(rows, *images, text["provenance"], joints, actions, people)

    def _json(self) -> dict[str, Any]:
        counts = self.rows[0].table.frames
        return {
            "frames": self.frames,
            "subjects": sorted({int(subject) for subject in self.subject}),
            "subject_names": {str(number): name for number, name in self.subject_names.items()},
            "frames_by_action": dict(zip(self.actions, counts.tolist(), strict=True)),
            "definitions": PREDICTORS | ROOT_DEPTH_RULES | METRICS | AXES | ROOTS | AVERAGES,
            "rows": [
                {"predictor": row.predictor, "root_depth": row.root_depth, "metric": row.metric}
                | {name: _number(getattr(row.table, name)()) for name in AVERAGES}
                | {"by_action": dict(zip(self.actions, map(_number, row.table.by_action()), strict=True))}
                | {"by_joint": dict(zip(self.joints, map(_number, row.table.by_joint()), strict=True))}
                for row in self.rows
            ],
            "provenance": self.provenance,
        }

    def _csv_line(self, row: Row) -> dict[str, Any]:
        table = row.table
        line: dict[str, Any] = {"predictor": row.predictor, "root_depth": row.root_depth, "metric": row.metric}
        line["frames"] = self.frames
        line |= {name: _number(getattr(table, name)()) for name in AVERAGES}
        line |= dict(zip(self.actions, map(_number, table.by_action()), strict=True))
        line |= dict(zip(self.joints, map(_number, table.by_joint()), strict=True))
        line["data_fingerprint"] = self.provenance.get("data_fingerprints", {}).get("test")
        return line | {key: self.provenance.get(key) for key in ("config_hash", "code_version", "checkpoint_sha256")}

    def print_table(self, console: PlainConsole | None = None) -> None:
        """MPJPE by action and joint, reconstruction error by action, with a legend; 80 columns suffice."""
        console = console or PlainConsole()
        console.print(self._table("MPJPE, mm", "mpjpe", by_joint=True))
        console.print(self._table("Reconstruction error (after a similarity fit), mm", "reconstruction"))
        for number, (rule, meaning) in enumerate(ROOT_DEPTH_RULES.items(), start=1):
            console.print(f"  ({number}) {meaning}{self._root_off(rule)}")
        for name, shown in ((PERFECT_VOLUME, "floor"), (MEAN_POSE, MEAN_POSE)):
            if any(row.predictor == name for row in self.rows):
                console.print(f"  {shown}: {PREDICTORS[name]}")
        origin = {"code": self.provenance.get("code_version")}
        origin["checkpoint"] = self.provenance.get("checkpoint_sha256", "")[:12]
        origin["test data"] = self.provenance.get("data_fingerprints", {}).get("test", "")[:12]
        console.print("  " + ", ".join(f"{key} {value}" for key, value in origin.items() if value), style="dim")

    def _root_off(self, rule: str) -> str:
        """Say in words how far off a rule finds the root."""
        if not self.has(NETWORK, rule):
            return ": not of this network"
        if not self.has(NETWORK, rule, ROOT_OFF):
            return ""
        return f"; off by {self.row(NETWORK, rule, ROOT_OFF).table.frame_weighted():.0f} mm"

    def _table(self, title: str, metric: str, by_joint: bool = False) -> Any:
        left_out = {(DEPTH_ALONE, "ground_truth"), (XY_ALONE, "ground_truth")}
        if len(self.rules) > len(RULES_OF_DEPTHS):  # then the fourth takes the place that the fitted floors had
            left_out |= {(PERFECT_VOLUME, "own_limbs"), (PERFECT_VOLUME, "mean_limbs")}
        rows = [row for row in self.rows if row.metric == metric and (row.predictor, row.root_depth) not in left_out]
        table = Table(title=f"{title} ({self.frames} images)", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
        table.add_column("             images", vertical="bottom", no_wrap=True)
        numbers = {rule: f"({number})" for number, rule in enumerate(ROOT_DEPTH_RULES, start=1)}
        for row in rows:
            style = "bold" if row.predictor == NETWORK else ""
            header = row.predictor.replace(PERFECT_VOLUME, "floor").replace(" ", "\n")
            header += "\n" + numbers[row.root_depth] if row.root_depth else ""
            table.add_column(header, justify="right", vertical="bottom", style=style, no_wrap=True)
        counts = self.rows[0].table.frames

        def add(name: str, count: int | None, values: list[float], **options: Any) -> None:
            cells = ["-" if np.isnan(value) else f"{value:.1f}" for value in values]
            table.add_row(name if count is None else f"{name:<12}{count:>7}", *cells, **options)

        actions = np.stack([row.table.by_action() for row in rows], 1)
        for index, action in enumerate(self.actions):
            add(action, int(counts[index]), actions[index].tolist(), end_section=index == len(self.actions) - 1)
        for index, name in enumerate(AVERAGES):
            values = [getattr(row.table, name)() for row in rows]
            add(name.replace("_", " "), None, values, end_section=by_joint and index == len(AVERAGES) - 1)
        if by_joint:
            joints = np.stack([row.table.by_joint() for row in rows], 1)
            for index, joint in enumerate(self.joints):
                add(joint.replace("_", " "), None, joints[index].tolist())
        return table


def mean_pose_mm(joints_cam_mm: Float[np.ndarray, "N J 3"], root: int = ROOT) -> Float[np.ndarray, "J 3"]:
    """Mean root-relative pose in the camera frame: the prediction of someone who does not look.

    A joint that has no label anywhere is at the root.
    """
    joints_mm = root_relative(joints_cam_mm, root)
    labelled = np.isfinite(joints_mm)
    return np.where(labelled, joints_mm, 0).sum(0) / np.maximum(labelled.sum(0), 1)


def evaluate_predictions(
    joints_box: Float[np.ndarray, "N J 2"],
    depth_rel_mm: Float[np.ndarray, "N J"],
    truth: Truth,
    *,
    mean_training_pose_mm: Float[np.ndarray, "J 3"] | None,
    heatmap_size: int,
    depth_bins: int,
    provenance: dict[str, Any],
    space: PoseSpace = PAPER,
    actions: tuple[str, ...] = ACTIONS,
    sized: SizedPoses | None = None,
    subject_names: Mapping[int, str] | None = None,
) -> Evaluation:
    """Errors of predictions (positions across the crop, depths relative to the root), and of what to compare them with.

    ``sized``: the same poses in mm, of networks that know lengths across the view; else there is no strong perspective.
    An imported network has no training split, hence no mean training pose; its rows are left out.
    Raises ``DataError`` for no images at all and for predictions that are not finite.
    """
    if len(truth.record) == 0:
        raise DataError("nothing to evaluate: the test set holds no image")
    finite = np.isfinite(joints_box).all((1, 2)) & np.isfinite(depth_rel_mm).all(1)
    if sized is not None:
        finite &= np.isfinite(sized.relative_mm).all((1, 2))
    if not finite.all():
        raise DataError(
            f"record {truth.record[np.argmin(finite)]}: the prediction is not finite ({(~finite).sum()} such records); "
            "the network has diverged, lower model.optimizer.learning_rate"
        )
    perfect = quantised(truth.joints_box, truth.depth_rel_mm, heatmap_size, depth_bins, space)
    compare = Comparison(truth, space, len(actions))
    rows: list[Row] = []
    for rule in RULES_OF_DEPTHS if sized is None else ROOT_DEPTH_RULES:
        poses = compare.poses(joints_box, depth_rel_mm, rule, sized)
        rows.extend((*compare.rows(NETWORK, rule, poses), *compare.root_rows(rule, poses)))
    for rule in RULES_OF_DEPTHS:
        rows.extend(compare.rows(PERFECT_VOLUME, rule, compare.poses(*perfect, rule)))
    parts = ((DEPTH_ALONE, (truth.joints_box, depth_rel_mm)), (XY_ALONE, (joints_box, truth.depth_rel_mm)))
    for part, mixed in parts:
        rows.extend(compare.rows(part, "ground_truth", compare.poses(*mixed, "ground_truth")))
    rows.extend(compare.axis_rows(compare.poses(joints_box, depth_rel_mm, "ground_truth")))
    if mean_training_pose_mm is not None:
        mean_pose = np.broadcast_to(mean_training_pose_mm, truth.joints_cam_mm.shape)
        rows.extend(compare.rows(MEAN_POSE, None, mean_pose))
    images = (truth.subject, truth.action, truth.record)
    there = {number: name for number, name in (subject_names or {}).items() if number in truth.subject}
    return Evaluation(tuple(rows), *images, provenance, space.skeleton.names, actions, there)


def predicted_poses_cam_mm(
    joints_box: Float[np.ndarray, "N J 2"],
    depth_rel_mm: Float[np.ndarray, "N J"],
    truth: Truth,
    rule: str,
    space: PoseSpace = PAPER,
    sized: SizedPoses | None = None,
) -> Float[np.ndarray, "N J 3"]:
    """Predicted poses in the camera frame; ``truth`` gives boxes, cameras and what the rule may know."""
    joints_px = box_to_frame_px(joints_box, truth.box_left_top_px, truth.box_side_px)
    return poses_cam_mm(joints_px, depth_rel_mm, truth.intrinsics_px, rule, truth.joints_cam_mm, space, sized)


@dataclass(frozen=True)
class Comparison:
    """Poses against the truth, by action and joint."""

    truth: Truth
    space: PoseSpace
    actions: int

    def poses(
        self,
        joints_box: Float[np.ndarray, "N J 2"],
        depth_rel_mm: Float[np.ndarray, "N J"],
        rule: str,
        sized: SizedPoses | None = None,
    ) -> Float[np.ndarray, "N J 3"]:
        """Lift points to poses in mm, camera frame, by a rule; ``sized``: the network's own poses, if it says any."""
        return predicted_poses_cam_mm(joints_box, depth_rel_mm, self.truth, rule, self.space, sized)

    def rows(self, predictor: str, rule: str | None, poses_mm: Float[np.ndarray, "N J 3"]) -> Iterator[Row]:
        """Measure poses in mm, camera frame: a row of the table for MPJPE, one for the reconstruction error."""
        root, true_mm = self.space.skeleton.root, self.truth.joints_cam_mm
        yield self._row(predictor, rule, "mpjpe", joint_errors_mm(poses_mm, true_mm, root))
        yield self._row(predictor, rule, "reconstruction", aligned_joint_errors_mm(poses_mm, true_mm))

    def root_rows(self, rule: str, poses_mm: Float[np.ndarray, "N J 3"]) -> Iterator[Row]:
        """How far off the root's depth is, the same for every joint; nothing where it was given."""
        if rule != "ground_truth":
            off = np.abs(poses_mm - self.truth.joints_cam_mm)[:, self.space.skeleton.root, 2]
            yield self._row(NETWORK, rule, ROOT_OFF, np.repeat(off[:, None], poses_mm.shape[1], 1))

    def axis_rows(self, poses_mm: Float[np.ndarray, "N J 3"]) -> Iterator[Row]:
        """Measure what the network's error is made of, axis by axis, the root's depth given."""
        root = self.space.skeleton.root
        off = np.abs(root_relative(poses_mm, root) - root_relative(self.truth.joints_cam_mm, root))
        for axis, name in enumerate(AXES):
            yield self._row(NETWORK, "ground_truth", name, off[..., axis])

    def _row(self, predictor: str, rule: str | None, metric: str, errors_mm: Float[np.ndarray, "N J"]) -> Row:
        table = ActionTable.of(errors_mm, self.truth.action, self.actions)
        return Row(predictor, rule, metric, table, errors_mm.mean(1))


def _number(value: float) -> float | None:
    """For JSON and CSV: tenths of a micrometre; nothing for NaN."""
    return None if np.isnan(value) else round(float(value), 4)
