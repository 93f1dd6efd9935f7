"""Calibration from a module and its validation images: what is written, and what stays away."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toy_labels import config_of

from c2fpose.config.representations import names
from c2fpose.evaluation import certainty
from c2fpose.evaluation.calibration import Calibration, fit, measure
from c2fpose.evaluation.certainty import calibrate
from c2fpose.model.module import PoseModule
from c2fpose.model.representations.interface import Certainty
from c2fpose.model.representations.simcc import SimCC
from c2fpose.pose.space import PAPER

SURE = {"volume", "integral", "simcc", "laplace", "rle"}  # the least: others may learn to say how sure they are


class Images:
    """As much of the data as is looked at: batches of validation images."""

    def __init__(self, images: int) -> None:
        generator = torch.Generator().manual_seed(0)
        truth = torch.randn(images, 17, 3, generator=generator, dtype=torch.float64) * 200
        truth[..., 2] += 4000
        self.batch = {
            "image": torch.randint(0, 256, (images, 3, 16, 16), dtype=torch.uint8, generator=generator),
            "visible": torch.rand(images, 17, generator=generator) < 0.9,
            "joints_cam_mm": truth,
            "intrinsics_px": torch.rand(images, 4, generator=generator, dtype=torch.float64) * 200 + 900,
            "box_left_top_px": torch.rand(images, 2, generator=generator, dtype=torch.float64) * 400 + 100,
            "box_side_px": torch.rand(images, generator=generator, dtype=torch.float64) * 200 + 300,
        }

    def validation_loader(self) -> list[dict]:
        starts = range(0, len(self.batch["image"]), 5)
        return [{key: value[start : start + 5] for key, value in self.batch.items()} for start in starts]


class Says:
    """A network that says random points, and random certainties of them."""

    training, device, config = False, torch.device("cpu"), SimpleNamespace(pose_space=PAPER)

    def __init__(self, images: int) -> None:
        generator = torch.Generator().manual_seed(1)
        random = torch.rand(images, 17, 13, generator=generator, dtype=torch.float64)
        self.points, self.confidence = random[..., :3], random[..., 3]
        roots = 0.04 * random[..., 4:].unflatten(-1, (3, 3)) - 0.02
        self.covariance, self._said = roots @ roots.mT, 0

    def eval(self) -> None:
        pass

    def train(self, mode: bool) -> None:
        pass

    def predict_with_certainty(self, image: torch.Tensor) -> tuple[torch.Tensor, Certainty]:
        part = slice(self._said, self._said + len(image))
        self._said = part.stop
        return self.points[part], Certainty(self.confidence[part], self.covariance[part])


@pytest.mark.parametrize("head", names())
def test_calibration_and_plot_are_written_where_a_network_says_how_sure_it_is(head, tmp_path):
    torch.manual_seed(0)
    module = PoseModule(config_of(head, decoding={"method": "expectation"}).model_dump(mode="json"))
    with torch.no_grad():
        _, said = module.eval().predict_with_certainty(Images(1).batch["image"])
    module.train()
    assert said is not None or head not in SURE
    found = calibrate(module, Images(12), tmp_path, "32-true")
    if said is None:
        assert found is None and not list(tmp_path.iterdir()) and module.training
        return
    text = json.loads((tmp_path / "calibration.json").read_text())
    assert Calibration.of(text["calibration"]) == found and "100 mm" in text["meaning"]
    assert set(text["measured"]["coverage"]) == {"0.5", "0.9", "0.95"}
    assert (tmp_path / "calibration.png").stat().st_size > 5000
    assert np.isfinite(list(found.as_dict().values())).all()
    assert module.training


def test_a_confidence_alone_is_calibrated_as_beside_a_covariance(tmp_path, monkeypatch):
    torch.manual_seed(0)
    module = PoseModule(config_of("simcc").model_dump(mode="json"))
    both = calibrate(module, Images(12), tmp_path / "both", "32-true")
    whole = SimCC.certainty
    monkeypatch.setattr(SimCC, "certainty", lambda self, reading: whole(self, reading)._replace(covariance=None))
    alone = calibrate(module, Images(12), tmp_path / "alone", "32-true")
    assert (alone.slope, alone.offset) == (both.slope, both.offset) and alone.across == alone.floor_along_mm == 0
    measured = json.loads((tmp_path / "alone" / "calibration.json").read_text())["measured"]
    assert measured["coverage"] == {} and measured["joints"] > 50
    assert (tmp_path / "alone" / "calibration.png").stat().st_size > 3000


def test_it_is_fitted_on_the_first_half_of_the_file_and_measured_on_the_second(tmp_path, monkeypatch):
    """Frames that follow each other are nearly the same picture: shuffled, they would stand in both."""
    module, halves = PoseModule(config_of("laplace").model_dump(mode="json")), []
    seen, _ = certainty.observed(module, Images(12), "32-true")
    monkeypatch.setattr(certainty, "fit", lambda half: halves.append(half) or fit(half))
    monkeypatch.setattr(certainty, "measure", lambda found, half: halves.append(half) or measure(found, half))
    calibrate(module, Images(12), tmp_path, "32-true")
    middle = len(seen.error_mm) // 2
    np.testing.assert_array_equal(halves[0].error_mm, seen.error_mm[:middle])
    np.testing.assert_array_equal(halves[1].error_mm, seen.error_mm[middle:])


def test_certainties_stand_beside_the_errors_of_the_same_visible_joints():
    module, data = Says(12), Images(12)
    seen, images = certainty.observed(module, data, "32-true")
    batch = {name: value.numpy() for name, value in data.batch.items()}
    confidence, errors, covariances = [], [], []
    nearest, deep = PAPER.depth_range_mm[0], PAPER.depth_mm
    for image in range(12):
        (fx, fy, cx, cy), side = batch["intrinsics_px"][image], batch["box_side_px"][image]
        for joint in np.flatnonzero(batch["visible"][image]):
            x, y, depth = module.points[image, joint].numpy()
            u, v = batch["box_left_top_px"][image] + side * np.array([x, y])
            z = nearest + deep * depth + batch["joints_cam_mm"][image, 0, 2]
            ray = np.array([(u - cx) / fx, (v - cy) / fy, 1])
            slope = np.column_stack([[side * z / fx, 0, 0], [0, side * z / fy, 0], ray * deep])
            confidence.append(float(module.confidence[image, joint]))
            errors.append(ray * z - batch["joints_cam_mm"][image, joint])
            covariances.append(slope @ module.covariance[image, joint].numpy() @ slope.T)
    assert images == 12
    np.testing.assert_allclose(seen.confidence, confidence)
    np.testing.assert_allclose(seen.error_mm, errors, atol=1e-6)
    np.testing.assert_allclose(seen.covariance_mm2, covariances, rtol=1e-8)


def test_too_few_images_and_a_diverged_network_give_no_calibration(tmp_path):
    assert calibrate(Says(3), Images(3), tmp_path, "32-true") is None
    diverged = Says(5)
    diverged.confidence[1] = torch.nan
    assert calibrate(diverged, Images(5), tmp_path, "32-true") is None
    assert not list(tmp_path.iterdir())
