"""Every representation goes through a training step, a checkpoint, prediction and export, and is equivariant."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader
from toy_labels import batch_of, config_of

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.config.model import ModelConfig
from c2fpose.config.representations import names, schema_of
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.inference import points_and_metric_of
from c2fpose.model.module import PoseModule, make_optimizer
from c2fpose.model.networks.input import outputs_of
from c2fpose.model.volumes.points import mirror_points
from c2fpose.pose.skeleton import JOINTS


def module_of(head: str, **model) -> PoseModule:
    torch.manual_seed(0)
    return PoseModule(config_of(head, **model).model_dump(mode="json"), {"code_version": "0"})


@pytest.mark.parametrize("head", names())
def test_a_few_steps_lower_the_loss(head, monkeypatch):
    module, batch = module_of(head, optimizer={"name": "adamw", "learning_rate": 3e-3}), batch_of(4)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    optimizer = make_optimizer(module.parameters(), module.config.optimizer)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = module.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < losses[0]
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize("head", names())
def test_labels_without_depth_are_refused_in_a_line(head):
    module, batch = module_of(head), batch_of(2)
    batch["visible"][:] = True
    batch["visible"][0, 5] = False
    batch["depth_rel_mm"][0, 5] = torch.nan  # not visible: no label at all
    batch["joints_turned_mm"][0, 5] = torch.nan
    losses = module.losses(outputs_of(module.network, batch["image"]), batch)
    assert all(loss.isfinite() for loss in losses)
    batch["depth_rel_mm"][1, 7] = torch.nan
    with pytest.raises(DataError, match=f"labels without depth: {JOINTS[7]} of image 1 .* head={head} ") as caught:
        module.losses([], batch)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("head", [name for name in names() if "subvoxel" not in schema_of(name).decodings])
def test_points_between_voxels_are_refused_where_none_are_decoded(head):
    depths = [64] if not schema_of(head).by_stack else [1, 64]
    model = {"network": {"head": head, "depths": depths}, "decoding": {"method": "subvoxel"}}
    with pytest.raises(ConfigError, match=f"decoding=subvoxel is not for head={head}, which has "):
        parse(ModelConfig, model, "model")


@pytest.mark.parametrize("head", [name for name in names() if schema_of(name).bins])
def test_a_single_bin_at_the_end_is_refused_where_depth_is_read_from_bins(head):
    network = {"head": head, "depths": [1], "depth_bins": 1}
    with pytest.raises(ConfigError, match=rf"depths=\[1\] ends in a single bin of depth; head={head} needs two"):
        parse(ModelConfig, {"network": network}, "model")


@pytest.mark.parametrize("head", [name for name in names() if not schema_of(name).relative])
def test_relative_coordinates_are_refused_where_nothing_would_make_them_absolute(head):
    network = {"head": head, "depths": [64], "coordinates": "root_relative"}
    with pytest.raises(ConfigError, match=f"coordinates=root_relative is for head=coordinates and .*; head={head} has"):
        parse(ModelConfig, {"network": network}, "model")


def test_labels_are_looked_at_before_they_leave_for_a_gpu(monkeypatch):
    module, batch = module_of("integral"), batch_of(2)
    batch["visible"][:], batch["depth_rel_mm"][1, 7] = True, torch.nan
    assert module.on_before_batch_transfer(batch, 0) is batch  # on a processor ``losses`` does
    monkeypatch.setattr(type(module), "device", torch.device("cuda"))
    with pytest.raises(DataError, match=f"labels without depth: {JOINTS[7]} of image 1 "):
        module.on_before_batch_transfer(batch, 0)
    assert module.eval().on_before_batch_transfer(batch, 0) is batch


@pytest.mark.parametrize("head", names())
def test_flip_averaging_makes_points_and_certainty_equivariant(head):
    decoding = {"method": "expectation", "flip": True}
    module, image = module_of(head, decoding=decoding).eval().double(), batch_of()["image"]
    from c2fpose.model.networks.input import last_output
    from c2fpose.prediction.engines import Predictor

    predictor = Predictor(module.config, {}, lambda crops: last_output(module.network, crops), "torch", "64-true")
    points, sure = predictor.predict_with_certainty(image)
    mirrored, sure_mirrored = predictor.predict_with_certainty(image.flip(-1))
    torch.testing.assert_close(mirror_points(mirrored), points, atol=1e-5, rtol=0)
    if sure is None:
        return
    from c2fpose.pose.skeleton import MIRROR

    if sure.confidence is not None:
        torch.testing.assert_close(sure_mirrored.confidence[:, list(MIRROR)], sure.confidence, atol=1e-4, rtol=0)
        assert ((sure.confidence >= 0) & (sure.confidence <= 1)).all()
    if sure.covariance is None:
        return
    eigenvalues = torch.linalg.eigvalsh(sure.covariance.double())
    assert (eigenvalues > 0).all()
    sign = torch.tensor([-1.0, 1.0, 1.0])
    back = sure_mirrored.covariance[:, list(MIRROR)] * sign[:, None] * sign
    torch.testing.assert_close(back, sure.covariance, atol=1e-5, rtol=1e-4, check_dtype=False)


@pytest.mark.parametrize("head", names())
def test_checkpoints_and_exported_networks_say_the_same(head, tmp_path):
    pytest.importorskip("onnxruntime")
    from c2fpose.prediction.engines import load_predictor
    from c2fpose.prediction.export import export

    module, image = module_of(head, decoding={"method": "expectation"}).eval(), batch_of()["image"]
    points, sure, metric = expected = said_by(module, image)
    save_checkpoint(tmp_path / "x.ckpt", module.state_dict(), module.config.model_dump(mode="json"), {})
    again = said_by(load_module(tmp_path / "x.ckpt"), image)
    torch.testing.assert_close(again, expected, atol=0, rtol=0, equal_nan=True)
    export(module, tmp_path / "x.onnx", {})
    predictor = load_predictor(tmp_path / "x.onnx", precision="32-true")
    found = predictor.predict_with_certainty(image)
    torch.testing.assert_close(found, (points, sure), atol=2e-5, rtol=1e-4, equal_nan=True)
    _, found_mm = points_and_metric_of(image, predictor.config, predictor.engine)
    torch.testing.assert_close(found_mm, metric, atol=1e-2, rtol=1e-4)


def said_by(module: PoseModule, image: torch.Tensor) -> tuple:
    """Ask for points, how sure they are, and the pose in mm: None where the representation has none."""
    with torch.no_grad():
        return *module.predict_with_certainty(image), module.predict_with_metric(image)[1]


@pytest.mark.parametrize("head", names())
def test_a_training_goes_on_from_a_checkpoint_bit_for_bit(head, tmp_path):
    """With all that it learns and draws: it goes on with other weights, and anew in the order of random numbers."""
    batches = DataLoader([batch_of(4), batch_of(3)], batch_size=None)  # an epoch is two steps
    small = {"width": 16} if "width" in schema_of(head).model_fields else {}
    optimizer = {"name": "adamw", "learning_rate": 3e-3, "schedule": "one_cycle"}

    def end_of(path: str | None) -> tuple[dict, dict]:
        module = module_of(head, representation=small, optimizer=optimizer)
        if path:
            for weight in module.parameters():
                torch.nn.init.normal_(weight)
        saves = [] if path else [ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=2, save_top_k=-1)]
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        quiet |= {"enable_checkpointing": bool(saves), "callbacks": saves}
        trainer = pl.Trainer(accelerator="cpu", max_steps=4, limit_val_batches=0, **quiet)
        torch.manual_seed(7)
        trainer.fit(module, batches, ckpt_path=path, weights_only=False)
        return module.state_dict(), trainer.optimizers[0].state_dict()["state"]

    undisturbed, resumed = end_of(None), end_of(str(tmp_path / "step=2.ckpt"))
    torch.testing.assert_close(resumed, undisturbed, atol=0, rtol=0)
    middle = torch.load(tmp_path / "step=2.ckpt", weights_only=True)["state_dict"]
    assert not torch.equal(middle["network.stem.conv.weight"], resumed[0]["network.stem.conv.weight"])
