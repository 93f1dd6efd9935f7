"""One training of the finder from nothing to a measured file."""

import time
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from c2fpose.base.files import ready_directory
from c2fpose.data.schema import SplitReader
from c2fpose.prediction.finder.cutouts import from_file, gather
from c2fpose.prediction.finder.measure import best_threshold, compare, people_of, seen
from c2fpose.prediction.finder.scenes import scene
from c2fpose.prediction.finder.training import Recipe, train
from c2fpose.prediction.finder.weights import save_finder
from c2fpose.protocol import TEST_SUBJECTS, TRAIN_SUBJECTS

HELD_OUT = 10**8  # number of the first scene that training never reaches


def run(
    out: str, *, seed: int, cutouts: int, people: str | None, people_count: int, test_people: str | None, size: int,
    steps: int, batch: int, rate: float, bf16: bool, threads: int, test_scenes: int,
) -> None:  # fmt: skip
    """Render people, train, choose the threshold, measure on the test subjects, write ``out``; prints what it found."""
    path = Path(out)
    ready_directory(path.parent)
    torch.set_num_threads(threads)
    recipe = Recipe(size=size, steps=steps, batch=batch, rate=rate, seed=seed, bf16=bf16)
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(),
               TextColumn("{task.fields[value]}"))  # fmt: skip
    start = time.perf_counter()
    with Progress(*columns) as progress:
        rendering = progress.add_task("rendering people", total=cutouts + cutouts // 8, value="")
        cut, rooms = gather(seed, TRAIN_SUBJECTS, cutouts, lambda made: progress.update(rendering, completed=made))
        others, other_rooms = gather(
            seed, TEST_SUBJECTS, max(cutouts // 8, 8), lambda made: progress.update(rendering, completed=cutouts + made)
        )
        cut += from_file(people, people_count, seed) if people else []
        others += from_file(test_people, max(people_count // 8, 1), seed) if test_people else []
        training = progress.add_task("training", total=steps, value="")
        network = train(
            recipe, cut, rooms,
            lambda step, loss: progress.update(training, completed=step, value=f"loss {loss:.2f}"),
        )  # fmt: skip
    chosen = [scene(seed, HELD_OUT + number, size, cut, rooms) for number in range(test_scenes)]
    test = [scene(seed, HELD_OUT + number, size, others, other_rooms) for number in range(test_scenes)]
    truths = [[people_of(sight) for sight in scenes] for scenes in (chosen, test)]
    least = best_threshold(truths[0], seen(network, chosen))
    said = compare(truths[1], seen(network, test), least)
    minutes = round((time.perf_counter() - start) / 60, 1)
    recipe_values = {"cutouts": cutouts, "steps": steps, "batch": batch, "rate": rate, "seed": seed, "bf16": bf16}
    data = {"synth36": cutouts} | ({SplitReader(people).info.dataset: people_count} if people else {})
    save_finder(
        path,
        network,
        {"size": size, "least_score": least, "recipe": recipe_values, "data": data, "minutes": minutes}
        | {"test_subjects": said.as_dict()},
    )
    print(
        f"{path}: {path.stat().st_size / 1e6:.2f} MB after {minutes} minutes; a person from a score of {least:.2f}\n"
        f"on {said.pictures} scenes of the test subjects with {said.people} people: recall {100 * said.recall:.1f} %, "
        f"precision {100 * said.precision:.1f} %, mean overlap {said.overlap:.3f}, "
        f"{said.false_alarms:.2f} false alarms a picture"
    )
