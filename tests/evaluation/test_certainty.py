"""Calibration from a module and its validation images: what is written, and what stays away."""

import json

import numpy as np
import pytest
import torch
from toy_labels import config_of

from c2fpose.evaluation import certainty
from c2fpose.evaluation.calibration import Calibration, fit, measure
from c2fpose.evaluation.certainty import calibrate
from c2fpose.model.module import PoseModule
from c2fpose.model.representations.simcc import SimCC


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
            "intrinsics_px": torch.tensor([[1000.0, 1000, 500, 500]] * images),
            "box_left_top_px": torch.tensor([[300.0, 300.0]] * images),
            "box_side_px": torch.full((images,), 400.0),
        }

    def validation_loader(self) -> list[dict]:
        return [{key: value[part] for key, value in self.batch.items()} for part in (slice(0, 5), slice(5, None))]


@pytest.mark.parametrize("head", ["volume", "integral", "simcc", "laplace"])
def test_calibration_and_plot_are_written(head, tmp_path):
    torch.manual_seed(0)
    module = PoseModule(config_of(head, decoding={"method": "expectation"}).model_dump(mode="json"))
    found = calibrate(module, Images(12), tmp_path, "32-true")
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


def test_nothing_where_nothing_is_said(tmp_path):
    module = PoseModule(config_of("coordinates").model_dump(mode="json"))
    assert calibrate(module, Images(12), tmp_path, "32-true") is None
    assert not list(tmp_path.iterdir())
