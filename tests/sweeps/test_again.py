"""Rows that train nothing: another row's network, read otherwise."""

import json

import pytest
from toy_sweeps import TOY


@pytest.mark.slow
def test_a_row_reads_the_network_of_another_otherwise(files, tmp_path, ready):
    rows = ["+experiment=ablation_bins", "rows=[d16,d16_argmax]", "seeds=[0]", *files, "trainer.max_steps=4"]
    done = ready.run(["-m", "c2fpose.train", *TOY, *rows], tmp_path)
    assert done.returncode == 0, done.stderr
    jobs = tmp_path / "runs" / "ablation_bins" / "laptop"
    errors = {
        row: json.loads((jobs / row / "seed0" / "finished.json").read_text())["mpjpe_mm"]["ground_truth"]
        for row in ("d16", "d16_argmax")
    }
    assert errors["d16"] != errors["d16_argmax"]
    assert not (jobs / "d16_argmax" / "seed0" / "checkpoints").exists()
    # what evaluate says of that checkpoint, decoded so
    words = [f"ckpt={jobs}/d16/seed0/checkpoints/final.ckpt", "decoding=argmax", "precision=32-true", "out=out"]
    done = ready.run(["-m", "c2fpose.evaluate", *words], tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = (
        row["frame_weighted"]
        for row in json.loads((tmp_path / "out" / "evaluation" / "evaluation.json").read_text())["rows"]
        if (row["predictor"], row["root_depth"], row["metric"]) == ("network", "ground_truth", "mpjpe")
    )
    assert found == pytest.approx(errors["d16_argmax"], abs=1e-3)


@pytest.mark.slow
def test_a_row_of_another_network_is_refused(files, tmp_path, ready):
    wider = "+sweep.rows.d16_argmax.set={model.network.residuals:2}"
    rows = ["+experiment=ablation_bins", "rows=[d16,d16_argmax]", "seeds=[0]", *files, "trainer.max_steps=4", wider]
    done = ready.run(["-m", "c2fpose.train", *TOY, *rows], tmp_path)
    assert done.returncode == 1
    assert "row d16_argmax sets another network than row d16, which it evaluates" in done.stderr
