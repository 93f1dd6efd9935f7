"""A training on two sources: each has its own errors in the curve and after the last step, by the labels it has."""

import csv

import numpy as np
import pytest
import torch
from fabricated import jpeg, people
from hydra import compose, initialize_config_dir
from toy_sweeps import TOY, write_files

from c2fpose.config.command_line import conf_dir
from c2fpose.config.run import train_settings
from c2fpose.data.datamodule import PoseData
from c2fpose.data.schema import write_split
from c2fpose.evaluate import main as evaluate
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.skeleton import C2F17
from c2fpose.pose.space import PAPER
from c2fpose.training.curve import CURVE, read_curve
from c2fpose.training.run import following, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A laboratory in mm, photographs in px alone (one joint of them nowhere labelled); eight steps on both."""
    folder = tmp_path_factory.mktemp("sources")
    files = write_files(folder)
    for split, records in (("train", 24), ("test", 9)):
        annotations = people(records, 5, split)
        annotations["joints_cam_mm"][:] = np.nan
        annotations["joints_px"][:, 3] = np.nan
        write_split(
            folder / f"photos_{split}.h5", annotations, map(jpeg, range(records)), dataset="synth36", split=split,
            provenance={"labels": "partial"},
        )  # fmt: skip
    photos = f"{{source: {folder}/photos_train.h5, labels: 2d, name: photos, test_file: {folder}/photos_test.h5}}"
    mix = f"data.mix=[{{source: {folder}/train.h5, name: lab}}, {photos}]"
    words = [*TOY, *files, mix, "model.network.depths=[1,64]", "trainer.max_steps=8", "trainer.validate_every=4"]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        settings = train_settings(compose("train", overrides=[*words, f"run_dir={folder}/run"]))
    (folder / "run").mkdir()
    run(settings, folder / "run")
    return settings, folder / "run"


def off_percent(module, loader) -> float:
    """Distance in the picture of all labelled joints, image by image, without the package's metrics."""
    found = []
    for batch in loader:
        with torch.no_grad():
            joints_box = from_points(module.predict_points(batch["image"]), module.config.pose_space)[0].numpy()
        for predicted, true in zip(joints_box, batch["joints_box"].numpy(), strict=True):
            found += [100 * np.hypot(*(p - t)) for p, t in zip(predicted, true, strict=True) if np.isfinite(t).all()]
    return float(np.mean(found))


def test_the_curve_has_columns_for_what_each_source_knows(trained):
    settings, folder = trained
    rows = read_curve(folder / CURVE)
    assert [row["step"] for row in rows] == [4, 8]
    further = ["val_mpjpe_mm_lab", "val_off_percent_lab", "val_off_percent_photos"]
    assert all(list(row) == ["step", "training_seconds", "val_mpjpe_mm", *further] for row in rows)
    # all of the laboratory's held-out people are the validation's
    assert rows[-1]["val_mpjpe_mm_lab"] == pytest.approx(rows[-1]["val_mpjpe_mm"], abs=1e-3)
    data = PoseData(settings.data)
    data.setup()
    module = load_module(folder / "checkpoints" / "final.ckpt")
    for name in ("lab", "photos"):
        expected = off_percent(module, data.source_loader(data.val_sources[name]))
        assert rows[-1][f"val_off_percent_{name}"] == pytest.approx(expected, rel=1e-4)


def test_test_people_of_a_source_are_measured_at_the_end_and_again_by_evaluate(trained):
    settings, folder = trained
    data = PoseData(settings.data)
    data.setup("test")
    module = load_module(folder / "checkpoints" / "final.ckpt")
    expected = off_percent(module, data.source_loader(data.test_sources["photos"]))
    evaluate([f"ckpt={folder}/checkpoints/final.ckpt", f"out={folder}/again"])
    for place in (folder / "evaluation", folder / "again" / "evaluation"):
        with open(place / "sources.csv", newline="") as file:
            (row,) = csv.DictReader(file)
        assert (row["source"], row["images"], row["mpjpe_mm"]) == ("photos", "9", "")
        assert float(row["off_percent"]) == pytest.approx(expected, rel=1e-4) and 0 <= float(row["near_percent"]) <= 100
    evaluate([f"ckpt={folder}/checkpoints/final.ckpt", f"out={folder}/alone", f"test_file={settings.data.test_file}"])
    assert not (folder / "alone" / "evaluation" / "sources.csv").exists()


def test_the_model_is_of_train_files_joints_whatever_source_comes_first(tmp_path):
    files, names = write_files(tmp_path), ["spine", "left_wrist", "right_knee"]
    rows = people(24, 5, "train")
    rows |= {name: rows[name][:, [C2F17.index(each) for each in names]] for name in ("joints_cam_mm", "joints_px")}
    few = C2F17.of(names, {"left_wrist": "spine", "right_knee": "spine"})
    write_split(
        tmp_path / "few.h5", rows, map(jpeg, range(24)), dataset="custom", split="train",
        provenance={"actions": [f"a{n}" for n in range(15)]}, skeleton=few,
    )  # fmt: skip
    mix = f"data.mix=[{{source: {tmp_path}/few.h5, labels: 2d}}, {{source: {tmp_path}/train.h5}}]"
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        settings = train_settings(compose("train", overrides=[*TOY, *files, mix, f"run_dir={tmp_path}/run"]))
    data = PoseData(settings.data)
    data.setup()
    assert following(settings, data).model.pose_space == PAPER
