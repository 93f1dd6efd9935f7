"""A checkpoint goes in, a network file comes out that says what it is; whatever is wrong is said in one line."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from toy_networks import VOLUME, crops, trained

from c2fpose import export as export_command
from c2fpose import predict as predict_command
from c2fpose.base.errors import UserError
from c2fpose.base.provenance import code_version, file_hash
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.prediction import export
from c2fpose.prediction.engines import METADATA, load_predictor

onnx, openvino = pytest.importorskip("onnx"), pytest.importorskip("openvino")
pytest.importorskip("onnxruntime")
PROVENANCE = {"code_version": "0.0.1+test", "data_fingerprints": {"train": "ab"}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "final [a] 1.ckpt"  # as YAML would misread it
    save_checkpoint(path, trained(VOLUME).state_dict(), VOLUME, PROVENANCE)
    return path


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    """The same network as ONNX, by the command; not to be changed."""
    path = tmp_path_factory.mktemp("exported") / "a.onnx"
    export_command.main([f"ckpt={checkpoint}", f"out={path}"])
    return path


@pytest.fixture
def made_before(exported, monkeypatch):
    """Have exports write the network that is there: making it takes seconds."""
    monkeypatch.setattr(export, "to_onnx", lambda *_: exported.read_bytes())


def metadata(path) -> dict:
    if path.suffix == ".xml":
        return json.loads(openvino.Core().read_model(path).get_rt_info([METADATA]).astype(str))
    return json.loads({prop.key: prop.value for prop in onnx.load(path).metadata_props}[METADATA])


@pytest.mark.parametrize(("name", "files"), [("a.onnx", ["a.onnx"]), ("a.b.xml", ["a.b.bin", "a.b.xml"])])
def test_the_file_says_what_it_is_and_predicts(checkpoint, tmp_path, capsys, name, files):
    out = tmp_path / "new" / name
    export_command.main([f"ckpt={checkpoint}", f"out={out}"])
    assert sorted(path.name for path in out.parent.iterdir()) == files
    printed = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in printed] == [str(out.parent / file) for file in reversed(files)]
    said = metadata(out)
    assert said["checkpoint"] == {"file": checkpoint.name, "sha256": file_hash(checkpoint)}
    assert said["exported_by"] == code_version()
    expected, found = load_predictor(checkpoint, precision="32-true"), load_predictor(out, precision="32-true")
    assert found.config == expected.config and found.provenance == PROVENANCE
    difference = (found.predict_points(crops(3)) - expected.predict_points(crops(3))).abs().max()
    assert difference < 1e-5  # of the crop's side: 0.02 mm


def test_onnx_itself_finds_the_file_correct(exported):
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    (image,), (volume,) = model.graph.input, model.graph.output
    sizes = [[d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in (image, volume)]
    assert sizes == [["batch", 3, 64, 64], ["batch", 16, 16, 17, 8]]
    assert (image.name, image.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert (volume.name, volume.type.tensor_type.elem_type) == ("volume", onnx.TensorProto.FLOAT)


def test_a_failure_leaves_the_old_file(made_before, tmp_path, monkeypatch):
    for name in ("a.onnx", "a.xml", "a.bin"):
        (tmp_path / name).write_text("old")

    def fails(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.write_bytes", fails)
    monkeypatch.setattr(openvino, "save_model", fails)
    module = trained(VOLUME)
    for name in ("a.onnx", "a.xml"):
        with pytest.raises(UserError, match="cannot be written"):
            export.export(module, tmp_path / name, {})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("a.onnx", "a.xml", "a.bin"), "old"
    )


def test_no_network_is_half_old_and_half_new(checkpoint, made_before, tmp_path, monkeypatch):
    out = tmp_path / "a.xml"
    export_command.main([f"ckpt={checkpoint}", f"out={out}"])
    there: list[list[str]] = []
    replace = export.os.replace

    def watched(source, target):
        replace(source, target)
        there.append(sorted(path.name for path in tmp_path.glob("a.*")))

    monkeypatch.setattr(export.os, "replace", watched)
    export_command.main([f"ckpt={checkpoint}", f"out={out}"])
    assert there == [["a.bin"], ["a.bin", "a.xml"]]


def test_a_photograph_through_every_engine(checkpoint, exported, tmp_path):
    """The same pose to the hundredth of a millimetre, whatever computes it; the JSON says what did."""
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(tmp_path / "photo.png")
    found = {}
    for ckpt, engine in [
        (checkpoint, "auto"), (checkpoint, "openvino"), (exported, "auto"), (exported, "openvino")
    ]:  # fmt: skip
        predict_command.main(
            [
                str(tmp_path / "photo.png"),
                "person=whole",
                "formats=json",
                "overwrite=true",
                f"ckpt={ckpt}",
                f"engine={engine}",
            ]
        )
        said = json.loads((tmp_path / "photo_pose.json").read_text())
        (person,) = said["frames"][0]["people"]
        found[ckpt.suffix, said["model"]["engine"]] = np.array(person["joints_cam_mm"])
        assert said["model"]["code_version"] == "0.0.1+test"
        assert (said["model"]["precision"], said["model"]["device"]) == ("32-true", "cpu")
    first = found.pop((".ckpt", "torch"))
    assert set(found) == {(".ckpt", "openvino"), (".onnx", "onnxruntime"), (".onnx", "openvino")}
    for joints in found.values():
        np.testing.assert_allclose(joints, first, atol=0.05)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"ckpt": None}, "ckpt=... is needed"),
        ({"out": None}, "out=... is needed"),
        ({"out": "a.pt"}, r"out=a.pt: must end in .onnx or .xml"),
        ({"ckpt": "none.ckpt"}, "none.ckpt: no such file; builtin is"),
        ({"out": "file/a.onnx"}, "out=file/a.onnx: cannot be written"),
        ({"out": "folder.onnx"}, "out=folder.onnx: cannot be written"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(checkpoint, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "folder.onnx").mkdir()
    given = {"ckpt": str(checkpoint), "out": "a.onnx"} | words
    with pytest.raises(SystemExit) as exit:
        export_command.main([f"{key}={value}" for key, value in given.items() if value is not None])
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert re.search(message, error), error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.onnx"]


def test_help_explains_every_key_without_heavy_imports():
    code = (
        "import sys\n"
        "for name in ('torch', 'onnx', 'openvino', 'pytorch_lightning'): sys.modules[name] = None\n"
        "from c2fpose.export import main\n"
        "main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for key in export_command.ExportSettings.model_fields:
        assert f"\n{key}: " in done.stdout
