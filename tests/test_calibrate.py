"""The command: a checkpoint in, a calibrated one out, and a line where that cannot be."""

import pytest
from fabricated import jpeg, people
from toy_labels import NETWORK

from c2fpose import calibrate
from c2fpose.data.schema import write_split
from c2fpose.evaluation.calibration import Calibration
from c2fpose.model.checkpoints.conversion import save_module
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.module import PoseModule


@pytest.fixture
def data(tmp_path):
    files = {}
    for split, records in (("train", 24), ("test", 6)):
        files[f"{split}_file"] = str(tmp_path / f"{split}.h5")
        images = (jpeg(number) for number in range(records))
        write_split(
            tmp_path / f"{split}.h5", people(records, 0, split), images, dataset="synth36", split=split, provenance={}
        )
    return files | {"image_size": 16, "validation_every": 2}


def checkpoint(head: str, data: dict, path) -> str:
    depths = [8] if head == "coordinates" else [2, 8]
    network = NETWORK | {"head": head, "depths": depths}
    save_module(PoseModule({"network": network}, {"configuration": {"data": data}}), path)
    return str(path)


def test_a_calibration_is_put_into_the_checkpoint(data, tmp_path, capsys):
    out = tmp_path / "new" / "calibrated.ckpt"
    calibrate.main([f"ckpt={checkpoint('volume', data, tmp_path / 'a.ckpt')}", f"out={out}"])
    kept = load_module(out).hparams["provenance"]
    assert Calibration.of(kept["calibration"]).across > 0 and kept["configuration"]["data"] == data
    assert (out.parent / "calibration.json").is_file() and str(out) in capsys.readouterr().out


@pytest.mark.gpu
def test_a_gpu_finds_the_same(data, tmp_path):
    trained, found = checkpoint("volume", data, tmp_path / "a.ckpt"), []
    for accelerator in ("cpu", "gpu"):
        out = tmp_path / accelerator / "calibrated.ckpt"
        calibrate.main([f"ckpt={trained}", f"out={out}", f"accelerator={accelerator}"])
        found.append(load_module(out).hparams["provenance"]["calibration"])
    assert found[1] == pytest.approx(found[0], rel=0.02, abs=0.02)


def test_other_training_people_are_taken_whole(data, tmp_path):
    """Of a network of a mix and of chosen subjects, whose own files are gone."""
    gone = data | {
        "train_file": "gone.h5",
        "test_file": "gone.h5",
        "mix": [{"source": "gone.h5"}],
        "train_subjects": [7],
    }
    path, out = checkpoint("volume", gone, tmp_path / "a.ckpt"), tmp_path / "calibrated.ckpt"
    calibrate.main([f"ckpt={path}", f"out={out}", f"train_file={data['train_file']}"])
    assert Calibration.of(load_module(out).hparams["provenance"]["calibration"]).across > 0


def test_a_network_that_names_no_data_is_told_the_key(tmp_path, capsys):
    save_module(PoseModule({"network": NETWORK | {"head": "volume", "depths": [2, 8]}}, {}), tmp_path / "a.ckpt")
    with pytest.raises(SystemExit):
        calibrate.main([f"ckpt={tmp_path / 'a.ckpt'}", f"out={tmp_path / 'b.ckpt'}"])
    assert "give train_file=..." in capsys.readouterr().err


def test_the_checkpoint_itself_stays(data, tmp_path, capsys):
    path = checkpoint("volume", data, tmp_path / "a.ckpt")
    with pytest.raises(SystemExit):
        calibrate.main([f"ckpt={path}", f"out={tmp_path}/./a.ckpt"])
    assert "is the file that is read" in capsys.readouterr().err
    assert "calibration" not in load_module(path).hparams["provenance"]


def test_a_network_that_says_nothing_is_refused(data, tmp_path, capsys):
    with pytest.raises(SystemExit):
        calibrate.main([f"ckpt={checkpoint('coordinates', data, tmp_path / 'a.ckpt')}", f"out={tmp_path / 'b.ckpt'}"])
    error = capsys.readouterr().err
    assert "nothing to calibrate: head=coordinates" in error and error.count("\n") == 1
    assert not (tmp_path / "b.ckpt").exists()
