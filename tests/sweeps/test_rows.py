"""Names of jobs and of a multirun's directories."""

import pytest
from toy_sweeps import composed

from c2fpose.sweeps import rows


@pytest.mark.parametrize(
    ("words", "swept"),
    [
        (["-m", "seed=0,1", "name=x"], {"seed"}),
        (["model.network.depths=[1,64],[64]", "data.actions=[Walking,Eating]"], {"model.network.depths"}),
        (["+data.actions=[Walking]", "trainer.max_steps=range(10,30)", "scale=a,b"], {"trainer.max_steps", "scale"}),
        (["model.optimizer.learning_rate=choice(1e-3,1e-4)"], {"model.optimizer.learning_rate"}),
        (["name='a,b'"], set()),
    ],
)
def test_what_has_several_values_is_swept(words, swept, monkeypatch):
    monkeypatch.setenv("C2FPOSE_SWEPT", "")
    rows.remember_swept(words)
    assert set(rows.os.environ["C2FPOSE_SWEPT"].split()) == swept


def test_a_directory_is_named_by_what_is_swept(monkeypatch):
    overrides = "+data.actions=[Walking,Eating],data.batch_size=4,model.network.depths=[1,64],seed=1," + ",".join(
        f"trainer.some_long_key_{number}={number}" for number in range(10)
    )
    monkeypatch.setenv("C2FPOSE_SWEPT", "model.network.depths seed")
    assert rows._directory_resolver(overrides) == "model.network.depths=[1,64],seed=1"
    monkeypatch.setenv("C2FPOSE_SWEPT", "")
    assert len(rows._directory_resolver(overrides)) <= 150


def test_finished_jobs_are_not_composed_again(tmp_path):
    """Hydra is given what is left: the first one where nothing is, and one whose book is damaged, which says so."""
    cfg = composed("rows=[d64,d1_64]", "seeds=[0,1]", f"sweep_dir={tmp_path}")
    names = rows.jobs(cfg)
    assert rows.left(cfg) == names and len(names) == 4
    for name in names[:3]:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / rows.FINISHED).write_text("{}")
    assert rows.left(cfg) == names[3:]
    assert rows.OmegaConf.create({"jobs": "${jobs:}"} | dict(cfg)).jobs == names[3]
    (tmp_path / names[1] / rows.FINISHED).write_text('{"mpjpe')
    assert rows.left(cfg) == [names[1], names[3]]
    for name in names:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / rows.FINISHED).write_text("{}")
    assert rows.left(cfg) == names[:1]
