"""Names of jobs and of a multirun's directories."""

import pytest
from hydra import compose, initialize_config_dir
from toy_sweeps import composed

from c2fpose.base.errors import ConfigError
from c2fpose.config.command_line import conf_dir
from c2fpose.sweeps import rows


@pytest.mark.parametrize(
    ("words", "swept"),
    [
        (["-m", "seed=0,1", "name=x"], {"seed"}),
        (["model.network.depths=[1,64],[64]", "data.actions=[Walking,Eating]"], {"model.network.depths"}),
        (["+data.actions=[Walking]", "trainer.max_steps=range(10,30)", "scale=a,b"], {"trainer.max_steps", "scale"}),
        (["model.optimizer.learning_rate=choice(1e-3,1e-4)"], {"model.optimizer.learning_rate"}),
        (["name='a,b'"], set()),
        (["init='a b.ckpt','c.ckpt'", "seed=0,1"], {"init", "seed"}),
        (["model.optimizer={name:adamw},{name:rmsprop}", "seed=shuffle(0,1)"], {"model.optimizer", "seed"}),
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


@pytest.mark.parametrize(
    ("word", "message"), [("resume=x.ckpt", "its own last checkpoint alone"), ("overwrite=true", "is not run again")]
)
def test_keys_of_a_single_run_are_refused_in_a_multirun_of_overrides(word, message):
    """They would do nothing there."""
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=[word])
    with pytest.raises(ConfigError, match=message):
        rows.planned(cfg, "seed=0")
    cfg.resume, cfg.overwrite = "auto", False
    assert rows.planned(cfg, "seed=0").row == "seed=0"


@pytest.mark.parametrize("word", ["model.network.head_std_by_depth", "+model.network.head_std_by_depth.64"])
def test_what_a_row_sets_as_a_whole_is_not_set_in_part(word):
    row = {"label": "one", "set": {"model.network.head_std_by_depth": {1: 0.01, 64: 0.001}}}
    cfg = rows.OmegaConf.create({"name": "mine", "sweep": {"title": "mine", "rows": {"a": row}}})
    with pytest.raises(ConfigError, match=r"^model\.network\.head_std_by_depth\S* is what row a of mine sets"):
        rows.check_overrides(cfg, [f"{word}=0.5"])
    rows.check_overrides(cfg, ["model.network.head_std=0.5"])
