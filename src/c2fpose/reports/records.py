"""What a sweep came to, computed once: printed tables and CSV files are two ways to write down the same values.

Errors, costs, differences of pairs, validation at equal budgets.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from c2fpose.base.errors import ConfigError
from c2fpose.config.data import SOURCE_ERRORS
from c2fpose.evaluation.scores import AXES, NETWORK
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.pose.metrics import ActionTable
from c2fpose.reports.paper import Figure, column
from c2fpose.reports.results import Results, SweepJob
from c2fpose.reports.statistics import (
    Difference,
    gained_at_the_end,
    mean_and_half_interval,
    paired_difference,
    seed_difference,
    value_at,
)

METRICS = ("mpjpe", "reconstruction")
# What an experiment that says ``apart`` tells of each row: the keys of ``apart``
APART_KEYS = (
    *(f"{axis}_mm" for axis in AXES),
    *(f"{rule}_mm" for rule in ROOT_DEPTH_RULES if rule != "ground_truth"),
    "calibration_error", "coverage_90", "surest_80_mm", "calibrated_mm",
)  # fmt: skip

RULES_MM = tuple(f"{rule}_mm" for rule in ROOT_DEPTH_RULES)


def error_mm(job: SweepJob, metric: str, root_depth: str) -> float:
    """Return a finished job's average over all test images; NaN for a rule that its poses do not have."""
    return getattr(job.record, f"{metric}_mm").get(root_depth, math.nan)


def table_of(job: SweepJob, metric: str, root_depth: str) -> ActionTable:
    """Return the sums by action of a finished job, from which every average follows; NaN as ``error_mm``."""
    if not has_rule(job, root_depth):
        given = job.evaluation.row(NETWORK, "ground_truth", metric).table
        return ActionTable(np.full_like(given.sums_mm, math.nan), given.frames)
    return job.evaluation.row(NETWORK, root_depth, metric).table


def has_rule(job: SweepJob, root_depth: str) -> bool:
    """Tell whether a finished job's poses have a root-depth rule: strong perspective takes poses in mm."""
    return root_depth in job.result.mpjpe_mm


def by_action(job: SweepJob, metric: str, root_depth: str, actions: Iterable[str]) -> list[float]:
    """Return a finished job's mean errors of some actions; NaN of those that its data do not have."""
    values = dict(zip(job.evaluation.actions, table_of(job, metric, root_depth).by_action().tolist(), strict=True))
    return [values.get(action, math.nan) for action in actions]


def training_cost(jobs: Sequence[SweepJob]) -> dict[str, float]:
    """Mean over jobs of what their training took; NaN where nothing was trained."""
    facts = [job.result.training for job in jobs]
    return {
        key: float(np.mean([fact.get(key, math.nan) for fact in facts]))
        for key in ("seconds", "images_per_second", "memory_gib", "steps")
    }


class Pair(NamedTuple):
    """Two rows that the experiment compares, the first less the second."""

    first: str
    second: str
    mean_mm: float  # difference of their means over seeds
    over_images: Difference | None  # clustered; None for a single cluster
    over_seeds: Difference | None  # None with fewer than two seeds in either
    same_networks: bool  # read in two ways: then only the seeds of both count, and over seeds the test is paired


def differences(results: Results, root_depth: str) -> list[Pair]:
    """Compare each pair of the experiment of which both rows have finished jobs."""
    found = []
    for first, second in results.sweep.compare:
        a, b, same_networks = _compared(results, first, second)
        if not a or not b or not all(has_rule(job, root_depth) for job in (*a, *b)):
            continue
        over_images = _over_images(a, b, results.sweep.metric, root_depth)
        values = [[error_mm(job, results.sweep.metric, root_depth) for job in jobs] for jobs in (a, b)]
        mean = float(np.mean(values[0]) - np.mean(values[1]))
        over_seeds = seed_difference(values[0], values[1], paired=same_networks)
        found.append(Pair(first, second, mean, over_images, over_seeds, same_networks))
    return found


def _compared(results: Results, first: str, second: str) -> tuple[list[SweepJob], list[SweepJob], bool]:
    """Finished jobs of both rows, and whether these are the same networks: of both rows' common seeds alone then."""
    a, b = results.of(first), results.of(second)
    trained = {results.sweep.rows[name].of or name for name in (first, second)}
    common = {job.seed for job in a} & {job.seed for job in b}
    if len(trained) > 1 or not common:
        return a, b, False
    return [job for job in a if job.seed in common], [job for job in b if job.seed in common], True


def _over_images(
    first: Sequence[SweepJob], second: Sequence[SweepJob], metric: str, root_depth: str
) -> Difference | None:
    def per_image(jobs: Sequence[SweepJob]) -> np.ndarray:
        return np.mean([job.evaluation.row(NETWORK, root_depth, metric).per_image_mm for job in jobs], 0, float)

    records = [job.evaluation.record for job in (*first, *second)]
    if any(not np.array_equal(records[0], other) for other in records):
        raise ConfigError(f"{first[0].directory} and {second[0].directory}: evaluated on different test images")
    evaluation = first[0].evaluation
    cluster = evaluation.subject.astype(np.int64) * len(evaluation.actions) + evaluation.action
    return paired_difference(per_image(first), per_image(second), cluster)


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


class Spread(NamedTuple):
    """Mean over seeds and half of its 95 % interval, mm; NaN where there is none."""

    mean_mm: float
    half_interval_mm: float


def spread(values: Sequence[float]) -> Spread:
    """Average over seeds."""
    return Spread(*mean_and_half_interval(values))


@dataclass(frozen=True)
class RowResult:
    """What one row of the experiment came to; without finished jobs all of its numbers are NaN or missing."""

    name: str
    label: str
    published: Figure | None
    jobs: list[SweepJob]  # finished, by seed
    asked: int  # jobs
    word: str  # finished, or else: failed, begun, missing, not asked for
    errors: dict[str, Spread]  # by metric
    actions: dict[str, Spread]  # by action that the experiment shows
    cost: dict[str, float]  # of training, by the keys of ``training_cost``
    apart: dict[str, float]  # by the keys of ``apart``


def row_results(results: Results, metric: str, root_depth: str) -> list[RowResult]:
    """Compute every row of the experiment; errors of actions in one metric."""
    _, published = column((row.paper for row in results.sweep.rows.values()), results.sweep.metric)
    return [
        _row_result(results, name, known, metric, root_depth)
        for name, known in zip(results.sweep.rows, published, strict=True)
    ]


def _row_result(results: Results, name: str, published: Figure | None, metric: str, root_depth: str) -> RowResult:
    jobs, asked = results.of(name), results.of(name, finished=False)
    states = {job.state for job in asked}
    unfinished = next((word for word in ("failed", "begun", "missing") if word in states), "not asked for")
    of_actions = [by_action(job, metric, root_depth, results.sweep.actions) for job in jobs]
    return RowResult(
        name=name,
        label=results.sweep.rows[name].label,
        published=published,
        jobs=jobs,
        asked=len(asked),
        word="finished" if jobs else unfinished,
        errors={each: spread([error_mm(job, each, root_depth) for job in jobs]) for each in METRICS},
        actions={
            action: spread([values[k] for values in of_actions]) for k, action in enumerate(results.sweep.actions)
        },
        cost=training_cost(jobs) if jobs else {},
        apart=apart(jobs) if jobs and results.sweep.apart else {},
    )


def apart(jobs: Sequence[SweepJob]) -> dict[str, float]:
    """Means over seeds: error by axis, by other root-depth rules, calibration, coverage, the surest joints.

    NaN for what a job's poses or its representation do not say.
    """

    def mean(values: Sequence[float | None]) -> float:
        return float(np.mean([math.nan if value is None else value for value in values]))

    sure = [job.result.calibration or {} for job in jobs]
    rules = [rule for rule in ROOT_DEPTH_RULES if rule != "ground_truth"]
    return (
        {f"{axis}_mm": mean([job.result.axes_mm.get(axis) for job in jobs]) for axis in AXES}
        | {f"{rule}_mm": mean([error_mm(job, "mpjpe", rule) for job in jobs]) for rule in rules}
        | {
            "calibration_error": mean([each.get("expected_calibration_error") for each in sure]),
            "coverage_90": mean([each.get("coverage", {}).get("0.9") for each in sure]),
            "surest_80_mm": mean([each.get("error_of_surest_mm") for each in sure]),
            "calibrated_mm": mean([each.get("error_mm") for each in sure]),
        }
    )


def row_records(results: Results, root_depth: str) -> list[dict[str, Any]]:
    """One record a row, everything that the printed table shows, to four digits."""
    return [_row_record(results, row, root_depth) for row in row_results(results, results.sweep.metric, root_depth)]


def _row_record(results: Results, row: RowResult, root_depth: str) -> dict[str, Any]:
    known = row.published
    record: dict[str, Any] = {
        "experiment": results.name, "scale": results.scale, "row": row.name, "label": row.label,
        "paper_version": known.version if known else "", "paper_mm": known.average_mm if known else "",
        "root_depth": root_depth, "seeds_finished": len(row.jobs), "seeds_asked": row.asked,
    }  # fmt: skip
    for metric, value in row.errors.items():
        record |= {f"{metric}_mm": blank(value.mean_mm), f"{metric}_half_interval_mm": blank(value.half_interval_mm)}
    record |= {action: blank(value.mean_mm) for action, value in row.actions.items()}
    done = row.jobs[0].result.model_dump() if row.jobs else {}
    record |= {key: done.get(key, "") for key in ("parameters", "flops", "dataset", "images")}
    for key in ("seconds", "images_per_second", "steps"):
        record[f"training_{key}"] = blank(row.cost.get(key, math.nan))
    for split in ("train", "test"):
        record[f"{split}_data"] = row.jobs[0].identity.data[split] if row.jobs else ""
    if results.sweep.apart:
        record |= {key: blank(row.apart.get(key, math.nan)) for key in APART_KEYS}
    return record


def job_records(results: Results) -> list[dict[str, Any]]:
    """One record a job, in whatever state."""
    records = []
    for job in results.jobs:
        done = job.result.model_dump() if job.record else {}
        record: dict[str, Any] = {"experiment": results.name, "scale": results.scale}
        record |= {"row": job.row, "seed": job.seed, "state": job.state, "reason": job.reason or ""}
        for metric in METRICS:
            for rule in ROOT_DEPTH_RULES:
                record[f"{metric}_mm_{rule}"] = done.get(f"{metric}_mm", {}).get(rule, "")
        record |= {
            key: done.get(key, "") for key in ("parameters", "flops", "max_steps", "config_hash", "code_version")
        }
        facts = done.get("training", {})
        record |= {
            f"training_{key}": facts.get(key, "")
            for key in ("seconds", "images_per_second", "memory_gib", "device", "precision")
        }
        record["evaluation_images_per_second"] = done.get("evaluation_images_per_second", "")
        if results.sweep.apart:
            parts = apart([job]) if job.record else {}
            record |= {key: blank(parts.get(key, math.nan)) for key in APART_KEYS if not key.endswith(RULES_MM)}
        records.append(record)
    return records


def difference_records(results: Results, root_depth: str) -> list[dict[str, Any]]:
    """One record for each pair and source of spread."""
    return [
        {"first": pair.first, "second": pair.second, "over": over, "mean_mm": d.mean_mm, "low_mm": d.low_mm,
         "high_mm": d.high_mm, "p": d.p, "groups": d.groups, "test": test}
        for pair in differences(results, root_depth)
        for over, test, d in (
            ("test images", "paired, clustered", pair.over_images),
            ("seeds", "paired" if pair.same_networks else "Welch", pair.over_seeds),
        ) if d is not None
    ]  # fmt: skip


def curve_records(results: Results) -> list[dict[str, Any]]:
    """One record for each validation of each job."""
    return [
        {"row": job.row, "seed": job.seed, "step": int(step), "training_seconds": seconds, "val_mpjpe_mm": error}
        for job in results.jobs
        for step, seconds, error in job.curve
    ]


def source_records(results: Results) -> list[dict[str, Any]]:
    """One record for each row and source of a mix: means over seeds of its last validation; NaN for what is unknown."""
    records = []
    for name in results.sweep.rows:
        of_seeds = [job.source_errors for job in results.of(name) if job.source_errors]
        for source in of_seeds[0] if of_seeds else ():
            values = {e: [errors.get(source, {}).get(e, math.nan) for errors in of_seeds] for e in SOURCE_ERRORS}
            means = {error: float(np.mean(each)) for error, each in values.items()}
            records.append({"row": name, "source": source, "seeds": len(of_seeds)} | means)
    return records


def blank(value: float) -> Any:
    """Write a number to four digits, and nothing for NaN."""
    return "" if math.isnan(value) else round(value, 4)
