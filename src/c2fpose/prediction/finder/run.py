"""One training of the finder from nothing to a measured file."""

import time
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

from c2fpose.base.console import PlainConsole, words_column
from c2fpose.base.errors import ConfigError
from c2fpose.base.files import ready_directory
from c2fpose.base.progress import Progress
from c2fpose.base.provenance import file_hash
from c2fpose.config.prediction import FinderSettings
from c2fpose.data.schema import SplitReader
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS
from c2fpose.prediction.engines import load_predictor
from c2fpose.prediction.finder.cutouts import Cutout, Room, empty_places, from_file, gather
from c2fpose.prediction.finder.judge import LEAST_CHANCE, Judge, fitted
from c2fpose.prediction.finder.measure import best_threshold, by_people, compare
from c2fpose.prediction.finder.network import Finder
from c2fpose.prediction.finder.training import Recipe, train
from c2fpose.prediction.finder.trial import tried
from c2fpose.prediction.finder.weights import read_finder, save_finder
from c2fpose.prediction.reading import read_as_asked

UNMEASURED = 0.3  # least score that stands in files on the way


def run(settings: FinderSettings) -> None:
    """Render people, train, choose the threshold, measure on the test subjects, write ``out``; print what it found."""
    path = Path(settings.out)
    if path.suffix != ".safetensors":
        raise ConfigError(f"out={path}: must end in .safetensors")
    ready_directory(path.parent)
    _read_what_is_named(settings)
    torch.set_num_threads(settings.threads)
    start = time.perf_counter()
    console = PlainConsole(stderr=True)
    columns = (words_column("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(),
               words_column("{task.fields[values]}"))  # fmt: skip
    with Progress(*columns, console=console) as progress:
        pieces = _pieces(settings, progress, TRAIN_SUBJECTS, settings.cutouts, settings.people, settings.people_count)
        if settings.measure:
            network, said = read_finder(settings.measure)
        else:
            network, said = _trained(settings, progress, pieces)
        said["minutes"] = round(said.get("minutes", 0) + (time.perf_counter() - start) / 60, 1)
        fewer = max(settings.cutouts // 8, 8), settings.test_people, max(settings.people_count // 8, 1)
        others = _pieces(settings, progress, TEST_SUBJECTS, *fewer)
    measured = _measured(settings, int(said["size"]), network, pieces, others)
    save_finder(path, network, said | measured)
    if not settings.measure:
        _state(path).unlink(missing_ok=True)  # not before: killed while it measures, the command trains nothing again
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    rows = {
        "finder alone": measured.get("finder_alone"),
        "its boxes, judged": measured.get("first_boxes"),
        "scenes of test people": measured["test_subjects"],
    }
    rows |= {f"at a chance of {least}": row for least, row in measured.get("by_chance", {}).items()}
    rows |= {f"of these, with {number} people": row for number, row in measured["by_people"].items()}
    for name, row in rows.items():
        if row is not None:
            print(f"{name}: " + ", ".join(f"{key.replace('_', ' ')} {value:.4g}" for key, value in row.items()))


def _read_what_is_named(settings: FinderSettings) -> None:
    """Raise ``DataError`` for a file that cannot be used, before minutes of rendering."""
    for people in filter(None, (settings.people, settings.test_people)):
        from_file(people, 0, settings.seed)
    for finder in filter(None, (settings.measure, settings.start_from)):
        read_finder(finder)
    if settings.judge:
        load_predictor(settings.judge)


def _pieces(
    settings: FinderSettings, progress: Progress, subjects: tuple[int, ...], count: int, file: str | None, most: int
) -> tuple[list[Cutout], list[Room]]:
    task = progress.add_task("rendering people", total=count, values="")
    cutouts, rooms = gather(settings.seed, subjects, count, lambda made: progress.update(task, completed=made))
    places = empty_places(settings.seed + subjects[0], settings.places * count // settings.cutouts)
    return cutouts + (from_file(file, most, settings.seed) if file else []), rooms + places


def _trained(
    settings: FinderSettings, progress: Progress, pieces: tuple[list[Cutout], list[Room]]
) -> tuple[Finder, dict[str, Any]]:
    recipe = Recipe(
        settings.size, settings.steps, settings.batch, settings.rate, settings.fall, settings.seed, settings.bf16
    )
    people = {SplitReader(settings.people).info.dataset: len(pieces[0]) - settings.cutouts} if settings.people else {}
    before, earlier = read_finder(settings.start_from) if settings.start_from else (None, None)
    said = {
        "size": settings.size,
        "least_score": UNMEASURED,
        "recipe": settings.model_dump(include={"cutouts", "places", "batch", "rate", "fall", "seed", "bf16"}),
        "people": {"synth36": settings.cutouts} | people,
        "started_from": earlier,
    }
    task = progress.add_task("training", total=settings.steps, values="")
    network = train(
        recipe,
        *pieces,
        lambda step, loss: progress.update(task, completed=step, values=f"loss {loss:.2f}"),
        lambda step, network: save_finder(Path(settings.out), network, said | {"steps": step}),
        before,
        _state(Path(settings.out)),
        settings.model_dump_json(include={"cutouts", "people", "people_count", "places", "start_from"}),
    )
    return network, said | {"steps": settings.steps}


def _state(out: Path) -> Path:
    """Where a training under way is kept."""
    return out.with_suffix(".state")


def _measured(
    settings: FinderSettings,
    size: int,
    network: Finder,
    pieces: tuple[list[Cutout], list[Room]],
    others: tuple[list[Cutout], list[Room]],
) -> dict[str, Any]:
    """Fit the judge and choose the least score on scenes of the training people, measure on others'."""
    predictor = read_as_asked(load_predictor(settings.judge)) if settings.judge else None
    chosen, test = (tried(settings.seed, size, settings.test_scenes, network, predictor, *each)
                    for each in (pieces, others))  # fmt: skip
    least = best_threshold(chosen.truth, chosen.found)
    alone = compare(test.truth, test.found, least)
    if predictor is None or settings.judge is None:
        return {
            "least_score": least,
            "judge": None,
            "test_subjects": alone.as_dict(),
            "by_people": by_people(test.truth, test.found, least),
        }
    judge = Judge(*fitted(*chosen.examples()), least=LEAST_CHANCE)
    judged = test.judged(judge)
    looked_at = judged.looked_at()
    return {
        "least_score": least,
        "judge": judge._asdict(),
        "judge_network": file_hash(checkpoint_path(settings.judge)),
        "finder_alone": alone.as_dict(),
        "first_boxes": compare(judged.truth, judged.found, judge.least).as_dict(),
        "test_subjects": compare(looked_at.truth, looked_at.found, judge.least).as_dict(),
        "by_people": by_people(looked_at.truth, looked_at.found, judge.least),
        "by_chance": {
            str(chance): compare(looked_at.truth, looked_at.found, chance).as_dict()
            for chance in (0.1, 0.2, 0.3, 0.4, 0.5)
        },
    }
