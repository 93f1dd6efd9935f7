"""One training of the finder from nothing to a measured file."""

import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from c2fpose.base.files import ready_directory
from c2fpose.base.progress import Progress
from c2fpose.config.prediction import FinderSettings
from c2fpose.data.schema import SplitReader
from c2fpose.pose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS
from c2fpose.prediction.finder.cutouts import Cutout, Room, empty_places, from_file, gather
from c2fpose.prediction.finder.measure import Found, best_threshold, compare, people_of, seen
from c2fpose.prediction.finder.network import Finder
from c2fpose.prediction.finder.scenes import scene
from c2fpose.prediction.finder.training import Recipe, train
from c2fpose.prediction.finder.weights import read_finder, save_finder

HELD_OUT = 10**8  # number of the first scene that training never reaches
UNMEASURED = 0.3  # least score that stands in files on the way


def run(settings: FinderSettings) -> None:
    """Render people, train, choose the threshold, measure on the test subjects, write ``out``; print what it found."""
    path = Path(settings.out)
    ready_directory(path.parent)
    torch.set_num_threads(settings.threads)
    start = time.perf_counter()
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(),
               TextColumn("{task.fields[values]}"))  # fmt: skip
    with Progress(*columns, console=console) as progress:
        pieces = _pieces(settings, progress, TRAIN_SUBJECTS, settings.cutouts, settings.people, settings.people_count)
        if settings.measure:
            network, said = read_finder(settings.measure)
        else:
            network, said = _trained(settings, progress, pieces)
        said["minutes"] = round(said.get("minutes", 0) + (time.perf_counter() - start) / 60, 1)
        fewer = max(settings.cutouts // 8, 8), settings.test_people, max(settings.people_count // 8, 1)
        others = _pieces(settings, progress, TEST_SUBJECTS, *fewer)
    least, found = _measured(settings, network, pieces, others)
    save_finder(path, network, said | {"least_score": least, "test_subjects": found.as_dict()})
    print(
        f"{path}: {path.stat().st_size / 1e6:.2f} MB; a person from a score of {least:.2f}\n"
        f"on {found.pictures} scenes of the test subjects with {found.people} people: recall {found.recall:.1%}, "
        f"precision {found.precision:.1%}, mean overlap {found.overlap:.3f}, {found.false_alarms:.2f} false alarms a "
        "picture"
    )


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
    recipe = Recipe(settings.size, settings.steps, settings.batch, settings.rate, settings.seed, settings.bf16)
    people = {SplitReader(settings.people).info.dataset: len(pieces[0]) - settings.cutouts} if settings.people else {}
    before, earlier = read_finder(settings.start_from) if settings.start_from else (None, None)
    said = {
        "size": settings.size,
        "least_score": UNMEASURED,
        "recipe": settings.model_dump(include={"cutouts", "places", "batch", "rate", "seed", "bf16"}),
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
        state := Path(settings.out).with_suffix(".state"),
    )
    state.unlink(missing_ok=True)
    return network, said | {"steps": settings.steps}


@torch.inference_mode()
def _measured(
    settings: FinderSettings,
    network: Finder,
    pieces: tuple[list[Cutout], list[Room]],
    others: tuple[list[Cutout], list[Room]],
) -> tuple[float, Found]:
    """Choose the least score on scenes of the training people, and measure on those of the others."""
    numbers = range(HELD_OUT, HELD_OUT + settings.test_scenes)
    chosen, test = ([scene(settings.seed, n, settings.size, *each) for n in numbers] for each in (pieces, others))
    truths = [[people_of(sight) for sight in scenes] for scenes in (chosen, test)]
    least = best_threshold(truths[0], seen(network, chosen))
    return least, compare(truths[1], seen(network, test), least)
