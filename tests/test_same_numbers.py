"""What a result may depend on, and on what not: batches, loaders, threads, engines, order, the command that asks.

Distances are of joints in the camera's frame, mm, the largest of all; docs/reliability.md lists the bounds.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from fabricated import jpeg, people
from hydra import compose, initialize_config_dir
from toy_networks import VOLUME, trained
from toy_sweeps import TOY, write_files

from c2fpose import PosePredictor
from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
from c2fpose.data.crops.standard import decode
from c2fpose.data.datamodule import PoseData
from c2fpose.data.schema import write_split
from c2fpose.evaluation.checkpoint import test_data as data_of
from c2fpose.evaluation.scores import Truth, predicted_poses_cam_mm
from c2fpose.evaluation.test_set import Answers, Evaluating, predict_test_set
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.module import PoseModule
from c2fpose.model.volumes.points import from_points
from c2fpose.prediction.engines import engine_names, installed, make_predictor
from c2fpose.training.run import run

RECORDS = 12


@pytest.fixture(scope="module")
def module() -> PoseModule:
    return trained(VOLUME | {"decoding": {"method": "expectation"}})


@pytest.fixture(scope="module")
def test_file(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("data") / "test.h5", np.arange(RECORDS))


def written(path: Path, order: np.ndarray, stored_px: int = 256) -> Path:
    """Write the test people in an order, their pictures of so many pixels."""
    annotations = {name: values[order] for name, values in people(RECORDS, 0, "test").items()}
    annotations["stored_step_px"] = annotations["stored_step_px"] * 256 / stored_px
    jpegs = [jpeg(number, stored_px) for number in order]
    write_split(path, annotations, jpegs, dataset="synth36", split="test", provenance={})
    return path


def asked(module: PoseModule, file: Path, batch_norm: str | None = None, **loading) -> tuple[Answers, PoseData]:
    """What a network says of a file, and the data it saw."""
    data = PoseData(data_of(module, str(file), **loading))
    data.setup("test")
    read_as = None if batch_norm is None else module.config.model_copy(update={"batch_norm": batch_norm})
    return predict_test_set(module, data, Evaluating(Path(), Path(), {}, "32-true", 0, read_as)), data


def poses(module: PoseModule, file: Path, **how) -> np.ndarray:
    """Poses of all records in the camera's frame, mm, in the file's order."""
    answers, _ = asked(module, file, **how)
    found = placed(answers.joints_box, answers.depth_rel_mm, answers.truth)
    return found[np.argsort(answers.truth.record)]


def placed(joints_box: np.ndarray, depth_rel_mm: np.ndarray, truth: Truth) -> np.ndarray:
    """Poses at the depth of the true root, 5 m: a toy network's limbs say nothing of the distance."""
    return predicted_poses_cam_mm(joints_box, depth_rel_mm, truth, "ground_truth")


def apart_mm(one: np.ndarray, other: np.ndarray) -> float:
    assert one.shape == other.shape and np.isfinite(one).all() and one[:, 1:].std() > 1
    largest = float(np.linalg.norm(one - other, axis=-1).max())
    print(f"{largest:.2g} mm apart")
    return largest


@pytest.mark.parametrize("size", [1, 5, 12])
def test_batches_do_not_matter(module, test_file, size):
    assert apart_mm(poses(module, test_file, eval_batch_size=4), poses(module, test_file, eval_batch_size=size)) < 1e-3


def test_batches_matter_where_statistics_are_theirs(module, test_file):
    """``batch_norm=batch``: so such an evaluation is named after its batch size."""
    sizes = [poses(module, test_file, batch_norm="batch", eval_batch_size=size) for size in (4, 12)]
    assert apart_mm(*sizes) > 1


def test_loaders_do_not_matter(module, test_file):
    assert apart_mm(poses(module, test_file), poses(module, test_file, workers=2)) == 0


def test_threads_do_not_matter(module, test_file):
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(poses(module, test_file))
    finally:
        torch.set_num_threads(before)
    assert apart_mm(*found) < 1e-3


def test_the_order_of_records_does_not_matter(module, test_file, tmp_path):
    order = np.random.default_rng(1).permutation(RECORDS)
    turned = written(tmp_path / "turned.h5", order)
    assert apart_mm(poses(module, test_file)[order], poses(module, turned)) < 1e-3


@pytest.mark.parametrize("name", engine_names())
def test_engines_do_not_matter(module, test_file, name):
    """Beyond 0.05 mm: they add in another order."""
    if not installed(name):
        pytest.skip(f"what {name} needs is not there")
    answers, data = asked(module, test_file)
    predictor = make_predictor(module, name, "32-true")
    points = torch.cat([predictor.predict_points(batch["image"]) for batch in data.test_dataloader()])
    box, mm = from_points(points.double())
    expected = placed(answers.joints_box, answers.depth_rel_mm, answers.truth)
    assert apart_mm(placed(box.numpy(), mm.numpy(), answers.truth), expected) < 0.05


@pytest.mark.parametrize(("stored_px", "bound_mm"), [(64, 0.05), (256, 0.5)])
def test_predict_says_of_a_picture_what_evaluate_says_of_its_record(module, tmp_path, stored_px, bound_mm):
    """The box, the camera and one size given; by default predict looks for people and assumes a camera.

    A picture of more pixels than the network sees is made smaller by other means, hence the wider bound.
    """
    file = written(tmp_path / "test.h5", np.arange(RECORDS), stored_px)
    save_checkpoint(tmp_path / "net.ckpt", module.state_dict(), module.config.model_dump(mode="json"), {})
    predictor, (answers, data) = PosePredictor(tmp_path / "net.ckpt", sizes=[1], shift=0), asked(module, file)
    truth, table = answers.truth, data.test.reader.annotations
    box, depth = np.empty_like(answers.joints_box), np.empty_like(answers.depth_rel_mm)
    for number, record in enumerate(truth.record):
        left_top, step = table["stored_left_top_px"][record], table["stored_step_px"][record]
        corner, side = (truth.box_left_top_px[number] - left_top) / step, truth.box_side_px[number] / step
        intrinsics_px = np.array(table["intrinsics_px"][record] - [0, 0, *left_top], float) / step
        picture = decode(data.test.reader.jpeg(record))
        (person,) = predictor(picture, [(*corner, side)], intrinsics_px=intrinsics_px).frames[0].people
        box[number] = (person.joints_px - corner) / side
        depth[number] = person.joints_cam_mm[:, 2] - person.root_depth_mm
    expected = placed(answers.joints_box, answers.depth_rel_mm, truth)
    assert apart_mm(placed(box, depth, truth), expected) < bound_mm


# --- training ---


def weights_after(folder: Path, *words: str) -> dict[str, torch.Tensor]:
    """Train four steps on the same records in the same order; the weights."""
    folder.mkdir()
    files = write_files(folder)
    overrides = [
        *TOY,
        *files,
        "trainer.max_steps=4",
        "trainer.precision=64-true",
        "model.network.depths=[1,64]",
        *words,
    ]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        settings = train_settings(compose("train", overrides=[*overrides, *words, f"run_dir={folder}"]))
    run(settings, folder)
    return torch.load(folder / "checkpoints" / "final.ckpt", weights_only=False)["state_dict"]


def largest_change(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Of all weights, as a share of the largest weight of its tensor."""
    shares = [
        float((one[key] - other[key]).abs().max() / one[key].abs().max().clamp(min=1e-12))
        for key in one if one[key].is_floating_point()
    ]  # fmt: skip
    print(f"{max(shares):.2g} of a weight apart")
    return max(shares)


@pytest.mark.slow
def test_two_half_batches_train_as_one(tmp_path, unevaluated):
    """Group norm: to rounding. Batch norm: its statistics are those of half a batch, so the weights differ.

    Two processes: ``tests/sweeps/test_runner.py``, ``test_two_processes_give_the_losses_of_one``.
    """
    halves = ["data.batch_size=2", "trainer.accumulate=2"]
    one = weights_after(tmp_path / "one", "model.network.norm=group")
    two = weights_after(tmp_path / "two", "model.network.norm=group", *halves)
    assert largest_change(one, two) < 1e-6
    assert largest_change(weights_after(tmp_path / "one_b"), weights_after(tmp_path / "two_b", *halves)) > 1e-4
