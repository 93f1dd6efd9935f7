"""The page of a run as one self-contained HTML file: charts and pictures are inside, nothing is fetched."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np
import yaml
from markupsafe import Markup
from matplotlib.figure import Figure

from c2fpose.base.files import write_text
from c2fpose.base.table import Table
from c2fpose.evaluation.scores import (
    AVERAGES,
    DEPTH_ALONE,
    MEAN_POSE,
    METRICS,
    NETWORK,
    PERFECT_VOLUME,
    PREDICTORS,
    XY_ALONE,
    Evaluation,
)
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.reports.embedded import data_uri, svg_uri
from c2fpose.reports.run_page import charts
from c2fpose.reports.run_page.content import Run

WORST = 10  # images listed
# Columns of the tables by action and by joint: heading, predictor, root-depth rule, metric
_COLUMNS = (
    ("MPJPE, root depth given", NETWORK, "ground_truth", "mpjpe"),
    ("MPJPE, own limbs", NETWORK, "own_limbs", "mpjpe"),
    ("MPJPE, mean limbs", NETWORK, "mean_limbs", "mpjpe"),
    ("MPJPE, strong perspective", NETWORK, "strong_perspective", "mpjpe"),
    ("reconstruction", NETWORK, "ground_truth", "reconstruction"),
    ("depth's part", DEPTH_ALONE, "ground_truth", "mpjpe"),
    ("x and y's part", XY_ALONE, "ground_truth", "mpjpe"),
    ("perfect volume", PERFECT_VOLUME, "ground_truth", "mpjpe"),
    ("mean pose", MEAN_POSE, None, "mpjpe"),
)
_FOLDER = files("c2fpose.reports.run_page")


def write_page(run: Run, path: Path) -> Path:
    """Write the page. Raises ``OutputError`` where it cannot be written."""
    write_text(path, page(run))
    return path


def page(run: Run) -> str:
    """Make the page's text."""
    evaluation = run.evaluation
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string((_FOLDER / "page.html.j2").read_text("utf-8")).render(
        name=run.name,
        style=Markup((_FOLDER / "page.css").read_text("utf-8")),
        facts=_facts(run),
        evaluated=evaluation is not None,
        headline=_headline(evaluation) if evaluation else None,
        curves=_chart(charts.curves(run.curves)) if run.curves else None,
        sources=_chart(charts.sources(evaluation)) if evaluation else None,
        spread=_chart(charts.over_images(evaluation)) if evaluation else None,
        by_joint=_chart(charts.by_joint(evaluation)) if evaluation else None,
        joints=_table(evaluation, "joint") if evaluation else None,
        actions=_table(evaluation, "action") if evaluation else None,
        worst=_worst(evaluation) if evaluation else None,
        definitions=PREDICTORS | ROOT_DEPTH_RULES | METRICS | AVERAGES,
        pictures=[(picture.heading, data_uri(picture.path.read_bytes(), "png")) for picture in run.pictures],
        configuration=yaml.safe_dump(run.configuration, sort_keys=False) if run.configuration else None,
    )


def _facts(run: Run) -> dict[str, str]:
    """Say what stands under the title, where it is known."""
    said: dict[str, str] = {"directory": str(run.directory)}
    configuration = run.configuration or {}
    network = (configuration.get("model") or {}).get("network") or {}
    if network.get("depths"):
        said["depth schedule"] = ", ".join(map(str, network["depths"]))
    if network.get("image_size"):
        said["network"] = (
            f"{network['image_size']} px in, heatmaps of {network.get('heatmap_size')}, width {network.get('width')}"
        )
    for steps in (curve[0] for name, curve in run.curves.items() if name.startswith("train/")):
        said["trained"] = f"{int(steps[-1]) + 1:,} steps"  # as far as it was logged
    if configuration.get("seed") is not None:
        said["seed"] = str(configuration["seed"])
    if run.evaluation:
        origin = run.evaluation.provenance
        if steps_done := (origin.get("training") or {}).get("steps"):
            said["trained"] = f"{steps_done:,} steps"
        said["test images"] = f"{run.evaluation.frames:,}"
        said |= {key: str(origin[name])[:40] for key, name in _PROVENANCE.items() if origin.get(name)}
    return said


_PROVENANCE = {"code": "code_version", "checkpoint": "checkpoint_sha256", "evaluated in": "evaluation_precision"}


def _headline(evaluation: Evaluation) -> Table:
    """Averages of the network, of a perfect volume and of the mean pose, under each rule."""
    rows = []
    for predictor in (NETWORK, PERFECT_VOLUME, MEAN_POSE):
        for rule in (*ROOT_DEPTH_RULES, None):
            if evaluation.has(predictor, rule):
                mpjpe, fitted = (evaluation.row(predictor, rule, metric).table for metric in METRICS)
                values = (mpjpe.frame_weighted(), mpjpe.mean_over_actions(), fitted.frame_weighted())
                meaning = ROOT_DEPTH_RULES[rule] if rule else "no root depth enters"
                rows.append((f"{predictor}, {meaning}", *map(_number, values)))
    return Table(("", "MPJPE", "mean of actions", "reconstruction"), tuple(rows))


def _table(evaluation: Evaluation, by: str) -> Table:
    """Errors by action or joint; the columns that the evaluation has."""
    columns = [column for column in _COLUMNS if evaluation.has(*column[1:])]
    tables = [evaluation.row(*column[1:]).table for column in columns]
    names, values = (
        (evaluation.joints, [table.by_joint() for table in tables])
        if by == "joint"
        else (evaluation.actions, [table.by_action() for table in tables])
    )
    counts = tables[0].frames
    rows = []
    for number, name in enumerate(names):
        count = () if by == "joint" else (f"{counts[number]:,}",)
        rows.append((name.replace("_", " "), *count, *(_number(column[number]) for column in values)))
    head = (by, *(() if by == "joint" else ("images",)), *(column[0] for column in columns))
    return Table(head, tuple(rows))


def _worst(evaluation: Evaluation) -> Table:
    """Show the images with the largest errors, by their records in the test file."""
    errors = evaluation.row(NETWORK, "ground_truth").per_image_mm
    rows = [
        (
            f"{evaluation.record[image]}",
            f"{evaluation.subject_name(int(image))} {evaluation.actions[evaluation.action[image]]}",
            _number(errors[image]),
        )
        for image in np.argsort(-errors)[:WORST]
    ]
    return Table(("record of the test file", "who, what", "MPJPE, mm"), tuple(rows))


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1f}"


def _chart(figure: Figure | None) -> str | None:
    return None if figure is None else svg_uri(figure)
