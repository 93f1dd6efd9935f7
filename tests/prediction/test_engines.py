"""Every engine is the plain network: eager PyTorch in float32, nothing folded."""

import copy
import importlib
import sys
from dataclasses import replace

import pytest
import torch
from torch.fx.experimental import _config
from toy_labels import config_of
from toy_networks import COORDINATES, VOLUME, crops, trained

from c2fpose.base.errors import ConfigError, UserError
from c2fpose.base.signals import stops_in_one_line
from c2fpose.config.prediction import PredictSettings
from c2fpose.config.representations import names
from c2fpose.config.schema import parse
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.inference import points_and_metric_of, points_of
from c2fpose.model.module import PoseModule
from c2fpose.model.networks.batch_norm import normalisations
from c2fpose.model.networks.input import last_output
from c2fpose.model.precision import resolve_precision
from c2fpose.model.representations import laplace
from c2fpose.model.volumes.points import from_points
from c2fpose.prediction import engines
from c2fpose.prediction.engines import (
    TORCH,
    engine_names,
    header,
    imported,
    installed,
    load_predictor,
    make_predictor,
    to_onnx,
)
from c2fpose.prediction.predictor import PosePredictor

ONNXRUNTIME, OPENVINO = "onnxruntime", "openvino"
SMOOTH = {"decoding": {"method": "expectation"}}
PERSON_MM = 2000  # about what the side of a person's box is in the world
PACKAGES = {TORCH: "torch", ONNXRUNTIME: "onnxruntime", OPENVINO: "openvino"}


@pytest.fixture(scope="module", params=["volume", "coordinates"])
def module(request) -> PoseModule:
    return trained(VOLUME if request.param == "volume" else COORDINATES)


@pytest.fixture(scope="module", params=engine_names())
def predictor(request, module):
    if not installed(request.param):
        pytest.skip(f"what {request.param} needs is not there")
    return make_predictor(module, request.param, "32-true")


@pytest.mark.parametrize("batch", [1, 3])
def test_same_output(module, predictor, batch):
    images = crops(batch)
    with torch.inference_mode():
        plain = last_output(module.network, images)
    found = predictor.engine(images)
    assert found.shape == plain.shape and found.dtype == torch.float32
    assert plain.std() > 0.01
    assert (found - plain).abs().max() < 1e-5 * plain.abs().max()


@pytest.mark.parametrize("method", ["argmax", "subvoxel", "expectation"])
@pytest.mark.parametrize("flip", [True, False])
def test_same_points(module, predictor, flip, method):
    """Within 0.05 mm, a person's box being 2 m wide."""
    images, decoding = crops(3), {"decoding": module.config.decoding.model_copy(update=dict(flip=flip, method=method))}
    config = module.config.model_copy(update=decoding)
    with torch.inference_mode():
        plain = points_of(images, config, lambda images: last_output(module.network, images))
        found = points_of(images, config, predictor.engine)
    (plain_box, plain_mm), (box, mm) = from_points(plain), from_points(found)
    assert plain_mm.std() > 1
    assert (mm - plain_mm).abs().max() < 0.05
    assert (box - plain_box).abs().max() * PERSON_MM < 0.05


def test_mirror_images_go_through_the_engine_in_one_batch(module):
    seen = []

    def engine(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        return last_output(module.network, images)

    images = crops(3)
    with torch.inference_mode():
        torch.testing.assert_close(points_of(images, module.config, engine), module.predict_points(images))
    (batch,) = seen
    assert torch.equal(batch, torch.cat([images, images.flip(-1)]))


@pytest.mark.parametrize("name", [TORCH, OPENVINO])
def test_bf16_is_near(module, name):
    pytest.importorskip(PACKAGES[name])
    if name == OPENVINO and resolve_precision("auto", "cpu") != "bf16-mixed":
        pytest.skip("this processor does not compute in bf16")
    images, exact = crops(2), make_predictor(module, TORCH, "32-true")
    rough = make_predictor(module, name, "bf16-mixed")
    expected = exact.engine(images)
    error = (rough.engine(images).float() - expected).abs().max() / expected.abs().max()
    assert 1e-5 < error < 0.05


def test_the_module_stays_and_its_normalisations_are_folded(module):
    before = copy.deepcopy(module.state_dict())
    predictor = make_predictor(module)
    predictor.predict_points(crops(1))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    left, all_of_them = (len(list(normalisations(n))) for n in (predictor.engine.network, module.network))
    assert 0 < left < 0.4 * all_of_them


def test_statistics_of_each_batch_are_for_pytorch_alone():
    pytest.importorskip("onnx")
    module = trained(VOLUME | SMOOTH | {"batch_norm": "batch"})
    images = crops(3)
    with torch.inference_mode():
        expected = module.predict_points(images)
    torch.testing.assert_close(make_predictor(module, TORCH, "32-true").predict_points(images), expected)
    running = module.config.model_copy(update={"batch_norm": "running"})
    module.config, kept = running, module.config
    with torch.inference_mode():
        assert (module.predict_points(images) - expected).abs().max() > 1e-3
    module.config = kept
    for name in (ONNXRUNTIME, OPENVINO):
        with pytest.raises(ConfigError, match="batch_norm=batch"):
            make_predictor(module, name)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A checkpoint, its exported network, and files that are no such thing."""
    onnx = pytest.importorskip("onnx")
    folder, module = tmp_path_factory.mktemp("files"), trained(VOLUME)
    save_checkpoint(folder / "a.ckpt", module.state_dict(), VOLUME, dict(module.hparams["provenance"]))
    network = to_onnx(module, header(module, {}))
    (folder / "a.onnx").write_bytes(network)
    (folder / "half.onnx").write_bytes(network[: len(network) // 2])
    (folder / "empty.xml").write_bytes(b"")
    foreign = onnx.load_from_string(network)
    del foreign.metadata_props[:]
    (folder / "foreign.onnx").write_bytes(foreign.SerializeToString())
    onnx.helper.set_model_props(foreign, {"c2fpose": header(module, {}).replace("depth_bins", "depth_boxes")})
    (folder / "later.onnx").write_bytes(foreign.SerializeToString())
    return folder


@pytest.mark.parametrize("name", ["auto", ONNXRUNTIME, OPENVINO])
def test_an_exported_file_predicts_as_its_checkpoint(files, name):
    pytest.importorskip(PACKAGES[name] if name != "auto" else "onnxruntime")
    from_checkpoint = load_predictor(files / "a.ckpt", precision="32-true")
    from_file = load_predictor(files / "a.onnx", name, "32-true")
    assert from_checkpoint.name == TORCH and from_file.name == (ONNXRUNTIME if name == "auto" else name)
    assert from_file.config == from_checkpoint.config and from_file.provenance == from_checkpoint.provenance
    torch.testing.assert_close(from_file.predict_points(crops(2)), from_checkpoint.predict_points(crops(2)))


@pytest.mark.parametrize(
    ("file", "engine", "precision", "message"),
    [
        ("a.onnx", "torch", "auto", "engine=torch cannot run .*a.onnx; onnxruntime or openvino can"),
        ("empty.xml", "onnxruntime", "auto", "engine=onnxruntime cannot run .*empty.xml; openvino can"),
        ("a.ckpt", "tensorrt", "auto", "engine=tensorrt: expected auto or one of torch, onnxruntime, openvino"),
        ("a.onnx", "onnxruntime", "bf16-mixed", "precision=bf16-mixed is not for engine=onnxruntime"),
        ("none.onnx", "auto", "auto", "none.onnx: no such file"),
        ("none.ckpt", "auto", "auto", "none.ckpt: no such file; builtin is"),
        ("half.onnx", "onnxruntime", "auto", "half.onnx: not a network that can be read"),
        ("half.onnx", "openvino", "auto", "half.onnx: not a network that can be read"),
        ("empty.xml", "openvino", "auto", "empty.xml: not a network that can be read"),
        ("foreign.onnx", "onnxruntime", "auto", "foreign.onnx: no network of c2fpose"),
        ("foreign.onnx", "openvino", "auto", "foreign.onnx: no network of c2fpose"),
        ("later.onnx", "onnxruntime", "auto", "later.onnx: configuration of another version .*depth_boxes"),
    ],
)
def test_refused_in_one_line(files, file, engine, precision, message):
    for package in ("onnxruntime", "openvino"):
        pytest.importorskip(package)
    with pytest.raises(UserError, match=message) as caught:
        load_predictor(files / file, engine, precision)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.device_count() > 0, reason="a GPU is there")
def test_a_gpu_is_asked_of_pytorch_and_of_a_machine_that_has_one(files):
    assert load_predictor(files / "a.ckpt", accelerator="auto").engine.device.type == "cpu"
    with pytest.raises(ConfigError, match=r"^accelerator=gpu: PyTorch finds no GPU here; use accelerator=cpu"):
        load_predictor(files / "a.ckpt", accelerator="gpu")
    for file, engine in (("a.onnx", "auto"), ("a.ckpt", ONNXRUNTIME)):
        with pytest.raises(ConfigError, match=r"^accelerator=gpu: engine=onnxruntime computes on the processor"):
            load_predictor(files / file, engine, accelerator="gpu")


@pytest.mark.parametrize("head", names())
def test_on_another_device_nothing_is_left_on_the_processor(head, monkeypatch):
    """``meta`` stands for a GPU: what is there has no values, and goes with nothing that is elsewhere."""
    module = PoseModule(config_of(head).model_dump(mode="json")).eval().to("meta")
    predictor = make_predictor(module, TORCH, "32-true")
    network = predictor.engine.network  # called by itself: autocast, which the engine opens, does not know ``meta``
    predictor = replace(predictor, engine=lambda images: last_output(network, images))
    images = torch.zeros(2, 3, 16, 16, dtype=torch.uint8, device="meta")
    monkeypatch.setattr(laplace, "finite", lambda spread, skeleton: spread)  # no value is there to be checked
    # nor can be known how many voxels are the highest
    with _config.patch(meta_nonzero_assume_all_nonzero=True):
        points, sure = predictor.predict_with_certainty(images)
        metric = points_and_metric_of(images, predictor.config, predictor.engine)[1]
    found = [points, *(sure or ()), *(metric or ())]
    assert {part.device.type for part in found if part is not None} == {"meta"}
    assert points.shape == (2, 17, 3)


@pytest.mark.gpu
@pytest.mark.parametrize("volumes", [False, True])
def test_a_gpu_finds_the_same(files, volumes):
    on_each = [PosePredictor(files / "a.ckpt", accelerator=name) for name in ("cpu", "gpu")]
    assert [each.predictor.device for each in on_each] == ["cpu", "cuda"]
    picture = crops(1)[0].permute(1, 2, 0).numpy()
    first, second = (each(picture, volumes=volumes).frames[0].people[0] for each in on_each)
    assert abs(first.joints_px - second.joints_px).max() < 0.5


def test_a_signal_waits_for_the_end_of_an_import(tmp_path, monkeypatch):
    """ONNX's extension aborts the process where an exception meets it half made."""
    (tmp_path / "extension.py").write_text("import os\nos.kill(os.getpid(), 15)\nmade = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SystemExit) as ending, stops_in_one_line():
        imported("extension")
    assert ending.value.code == 143 and sys.modules.pop("extension").made


def test_a_missing_package_is_named(monkeypatch):
    for package in ("onnx", "onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"the package onnx is missing; .* -e '\.\[export\]'"):
        make_predictor(trained(VOLUME), OPENVINO)


TOY = """
from c2fpose.model.networks.input import last_output
from c2fpose.prediction.engines._kind import Kind


def plain(module, precision):
    return lambda image: last_output(module.network, image)


ENGINE = Kind(plain, packages=("c2fpose",))
"""


def test_a_new_file_is_an_engine(files, tmp_path, monkeypatch):
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, f"{engines.__name__}.toy", raising=False)
    importlib.invalidate_caches()
    assert engine_names()[0] == TORCH and "toy" in engine_names() and installed("toy")
    found = load_predictor(files / "a.ckpt", parse(PredictSettings, {"input": "a.jpg", "engine": "toy"}, "").engine)
    assert (found.name, found.precision) == ("toy", "32-true")
    expected = load_predictor(files / "a.ckpt", precision="32-true").predict_points(crops(2))
    torch.testing.assert_close(found.predict_points(crops(2)), expected, atol=1e-5, rtol=1e-4)
    with pytest.raises(ConfigError, match=r"engine=toy cannot run .*a\.onnx; onnxruntime or openvino can"):
        load_predictor(files / "a.onnx", "toy")
    with pytest.raises(ConfigError, match="precision=bf16-mixed is not for engine=toy; it knows auto, 32-true"):
        load_predictor(files / "a.ckpt", "toy", "bf16-mixed")
    sys.modules.pop(f"{engines.__name__}.toy")
