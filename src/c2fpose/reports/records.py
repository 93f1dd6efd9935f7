"""What a table of a sweep is made of, as plain values: errors, costs, differences, validation at equal budgets."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from c2fpose.base.errors import ConfigError
from c2fpose.evaluation.scores import NETWORK
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.metrics import ActionTable
from c2fpose.pose.protocol import ACTIONS
from c2fpose.reports.paper import column
from c2fpose.reports.results import Job, Results
from c2fpose.reports.statistics import (
    Difference,
    gained_at_the_end,
    mean_and_half_interval,
    paired_difference,
    seed_difference,
    value_at,
)


def error_mm(job: Job, metric: str, root_depth: str) -> float:
    """A finished job's average over all test images; NaN for a rule that its poses do not have."""
    return getattr(job.record, f"{metric}_mm").get(root_depth, math.nan)


def table_of(job: Job, metric: str, root_depth: str) -> ActionTable:
    """Sums by action of a finished job, from which every average follows; NaN as ``error_mm``."""
    if not has_rule(job, root_depth):
        given = job.evaluation.row(NETWORK, "ground_truth", metric).table
        return ActionTable(np.full_like(given.sums_mm, math.nan), given.frames)
    return job.evaluation.row(NETWORK, root_depth, metric).table


def has_rule(job: Job, root_depth: str) -> bool:
    """Tell whether a finished job's poses have a root-depth rule: strong perspective takes poses in mm."""
    return root_depth in job.record.mpjpe_mm


def by_action(job: Job, metric: str, root_depth: str, actions: Iterable[str]) -> list[float]:
    """A finished job's mean errors of some actions."""
    values = table_of(job, metric, root_depth).by_action()
    return [float(values[ACTIONS.index(action)]) for action in actions]


def training_cost(jobs: Sequence[Job]) -> dict[str, float]:
    """Mean over jobs of what their training took; NaN where nothing was trained."""
    facts = [job.record.training for job in jobs]
    return {
        key: float(np.mean([fact.get(key, math.nan) for fact in facts]))
        for key in ("seconds", "images_per_second", "memory_gib", "steps")
    }


def differences(results: Results, root_depth: str) -> list[tuple[str, str, Difference | None, Difference | None]]:
    """For each pair of the experiment with finished jobs: over test images (clustered), and over seeds."""
    found = []
    for first, second in results.sweep.compare:
        a, b = results.of(first), results.of(second)
        if not a or not b or not all(has_rule(job, root_depth) for job in (*a, *b)):
            continue
        over_images = _over_images(a, b, results.sweep.metric, root_depth)
        values = [[error_mm(job, results.sweep.metric, root_depth) for job in jobs] for jobs in (a, b)]
        found.append((first, second, over_images, seed_difference(*values)))
    return found


def _over_images(first: Sequence[Job], second: Sequence[Job], metric: str, root_depth: str) -> Difference | None:
    def per_image(jobs: Sequence[Job]) -> np.ndarray:
        return np.mean([job.evaluation.row(NETWORK, root_depth, metric).per_image_mm for job in jobs], 0, float)

    records = [job.evaluation.record for job in (*first, *second)]
    if any(not np.array_equal(records[0], other) for other in records):
        raise ConfigError(f"{first[0].directory} and {second[0].directory}: evaluated on different test images")
    evaluation = first[0].evaluation
    return paired_difference(per_image(first), per_image(second), evaluation.subject * 100 + evaluation.action)


@dataclass(frozen=True)
class Budget:
    """Validation errors of the rows at one common length of training."""

    steps: float  # which all rows reached
    seconds: float  # which all rows reached
    at_steps: dict[str, float]
    at_seconds: dict[str, float]
    gained: dict[str, float]  # over the last quarter


def budget(results: Results) -> Budget | None:
    """Compare rows at the most steps, and at the longest time, that all trained rows reached; None without curves."""
    curves = {name: [job.curve for job in results.of(name) if len(job.curve)] for name in results.sweep.rows}
    curves = {name: of_seeds for name, of_seeds in curves.items() if of_seeds}
    if not curves:
        return None
    everything = [curve for of_seeds in curves.values() for curve in of_seeds]
    steps, seconds = (min(curve[-1, axis] for curve in everything) for axis in (0, 1))

    def mean_at(axis: int, position: float) -> dict[str, float]:
        return {
            name: float(np.mean([value_at(curve[:, axis], curve[:, 2], position) for curve in of_seeds]))
            for name, of_seeds in curves.items()
        }

    gained = {name: float(np.mean([gained_at_the_end(c[:, 2]) for c in of_seeds])) for name, of_seeds in curves.items()}
    return Budget(steps, seconds, mean_at(0, steps), mean_at(1, seconds), gained)


def row_records(results: Results, root_depth: str) -> list[dict[str, Any]]:
    """One record a row, everything that the printed table shows, unrounded."""
    records = []
    version, published = column(row.paper for row in results.sweep.rows.values())
    for (name, row), known in zip(results.sweep.rows.items(), published, strict=True):
        jobs = results.of(name)
        record: dict[str, Any] = {
            "experiment": results.name, "scale": results.scale, "row": name, "label": row.label,
            "paper_version": version if known else "", "paper_mm": known.average_mm if known else "",
            "root_depth": root_depth, "seeds_finished": len(jobs), "seeds_asked": len(results.of(name, finished=False)),
        }  # fmt: skip
        for metric in ("mpjpe", "reconstruction"):
            mean, half = mean_and_half_interval([error_mm(job, metric, root_depth) for job in jobs])
            record |= {f"{metric}_mm": _blank(mean), f"{metric}_half_interval_mm": _blank(half)}
        for action in results.sweep.actions:
            values = [by_action(job, results.sweep.metric, root_depth, [action])[0] for job in jobs]
            record[action] = _blank(float(np.mean(values))) if values else ""
        cost = training_cost(jobs) if jobs else {}
        done = jobs[0].record.model_dump() if jobs else {}
        record |= {key: done.get(key, "") for key in ("parameters", "flops", "dataset", "images")}
        record |= {
            f"training_{key}": _blank(cost.get(key, math.nan)) for key in ("seconds", "images_per_second", "steps")
        }
        for split in ("train", "test"):
            record[f"{split}_data"] = jobs[0].identity.data[split] if jobs else ""
        records.append(record)
    return records


def job_records(results: Results) -> list[dict[str, Any]]:
    """One record a job, in whatever state."""
    records = []
    for job in results.jobs:
        done = job.record.model_dump() if job.record else {}
        record = {"row": job.row, "seed": job.seed, "state": job.state, "reason": job.reason or ""}
        for metric in ("mpjpe", "reconstruction"):
            for rule in ROOT_DEPTH_RULES:
                record[f"{metric}_mm_{rule}"] = done.get(f"{metric}_mm", {}).get(rule, "")
        record |= {
            key: done.get(key, "") for key in ("parameters", "flops", "max_steps", "config_hash", "code_version")
        }
        facts = done.get("training", {})
        record |= {
            f"training_{key}": facts.get(key, "") for key in ("seconds", "images_per_second", "memory_gib", "device")
        }
        record["evaluation_images_per_second"] = done.get("evaluation_images_per_second", "")
        records.append(record)
    return records


def difference_records(results: Results, root_depth: str) -> list[dict[str, Any]]:
    """One record for each pair and source of spread."""
    return [
        {"first": first, "second": second, "over": over, "mean_mm": d.mean_mm, "low_mm": d.low_mm, "high_mm": d.high_mm,
         "p": d.p, "groups": d.groups}
        for first, second, images, seeds in differences(results, root_depth)
        for over, d in (("test images", images), ("seeds", seeds)) if d is not None
    ]  # fmt: skip


def curve_records(results: Results) -> list[dict[str, Any]]:
    """One record for each validation of each job."""
    return [
        {"row": job.row, "seed": job.seed, "step": int(step), "training_seconds": seconds, "val_mpjpe_mm": error}
        for job in results.jobs
        for step, seconds, error in job.curve
    ]


def _blank(value: float) -> Any:
    return "" if math.isnan(value) else round(value, 4)
