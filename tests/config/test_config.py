"""Bad values are refused in one line that names key, value and what is allowed."""

import math
import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from c2fpose.base.errors import ConfigError
from c2fpose.config.data import DataConfig
from c2fpose.config.model import ModelConfig, NetworkConfig
from c2fpose.config.schema import parse
from c2fpose.config.space import SpaceConfig
from c2fpose.dashboard import DashboardSettings
from c2fpose.pose.camera import ROOT_DEPTH_RULES
from c2fpose.tables import TablesSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depths": []}, "depths is empty"),
        ({"depths": [4, 2, 64]}, "decreases"),
        ({"depths": [1, 32]}, "must end at depth_bins=64"),
        ({"depths": [3, 64]}, "depth 3 .* does not divide"),
        ({"depths": [0, 64]}, "model.network.depths.0=0"),
        ({"supervision": "seperated"}, "'separated', 'direct' or 'none'"),
        ({"head": "voxels"}, "'voxels': expected one of coordinates, .*volume"),
        ({"width": 4}, "model.network.width=4: .*greater than or equal to 8"),
        ({"width": 30}, "multiple of 4"),
        ({"levels": 9}, "model.network.levels=9"),
        ({"levels": 5, "heatmap_size": 16, "image_size": 64}, "do not divide heatmap_size"),
        ({"heatmap_size": 60}, "a half or a quarter"),
        ({"head": "coordinates", "depths": [1, 64]}, "one stack"),
        ({"widht": 64}, r"model\.network\.widht: no such key; did you mean model\.network\.width\?$"),
    ],
)
def test_refused(values, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse(NetworkConfig, values, "model.network")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"network": {"depths": [50], "depth_bins": 50}, "grow_depth": [0.2, 0.4]}, "50 bins cannot be averaged to 12"),
        ({"network": {"norm": "group"}, "batch_norm": "recalibrated"}, "recalibrated is for model.network.norm=batch"),
        ({"network": {"norm": "group"}, "batch_norm": "batch"}, "batch_norm=batch is for model.network.norm=batch"),
        ({"network": {"depths": [1, 64], "head_std_by_depth": {32: 0.1}}}, "no stack of depth 32 in depths="),
    ],
)
def test_what_a_training_would_not_obey_is_refused_and_read_all_the_same(values, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(ModelConfig, values, "model").check_training()
    assert "\n" not in str(caught.value)
    halved = {"network": {"depths": [48], "depth_bins": 48}, "grow_depth": [0.2, 0.4, 0.5, 0.6]}
    parse(ModelConfig, halved, "model").check_training()


def test_weights_must_match_the_stacks():
    with pytest.raises(ConfigError, match="2 values for 4 supervised stacks"):
        parse(ModelConfig, {"loss": {"stack_weights": [1, 1]}}, "model")
    parse(ModelConfig, {"network": {"supervision": "none"}, "loss": {"stack_weights": [1]}}, "model")


def test_the_papers_recipe_is_the_originals():
    """Every option of the released training code, by name; the values are restated from it."""
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        settings = train_settings(compose("train", overrides=["+experiment=paper_h36m"]))
    optimizer, augmentation = settings.model.optimizer, settings.data.augmentation
    assert (optimizer.name, optimizer.learning_rate, optimizer.alpha, optimizer.epsilon) == (
        "rmsprop", 2.5e-4, 0.99, 1e-8
    )  # fmt: skip
    assert (optimizer.weight_decay, optimizer.schedule, settings.data.batch_size) == (0, "constant", 4)
    assert (augmentation.scale_spread, augmentation.scale_limit) == (0.25, 0.25)
    assert (augmentation.rotation_spread_deg, augmentation.rotation_limit_deg) == (30, 60)
    assert (augmentation.rotation_none_probability, augmentation.flip_probability) == (0.6, 0.5)
    assert augmentation.flip_whole_batch and augmentation.channel_gain == 0.2 and not augmentation.photometric
    assert settings.model.network.depths == (1, 2, 4, 64) and settings.model.network.norm_init == "uniform"
    assert settings.model.target.definition == "released_code" and settings.model.target.centers == "whole"
    assert settings.model.loss.stack_weights is None and settings.model.decoding.method == "argmax"
    assert settings.data.crop_mode == "released_code" and settings.trainer.max_steps == 310_000


@pytest.mark.parametrize(
    ("words", "train_file", "message"),
    [
        ([], None, "^data: train_file is not given: "),
        (["data.train_file=mine.h5"], None, "^data: test_file is not given: "),
        (["data.mix=[{source: lab.h5}, {source: photos.h5, labels: 2d}]", "data.test_file=b.h5"], "lab.h5", None),
        (["data.mix=[{source: lab.h5}]", "data.train_file=a.h5", "data.test_file=b.h5"], "a.h5", None),
    ],
)
def test_data_of_ones_own_are_never_others(words, train_file, message):
    """Where no file is given it is refused: those of synth36 would be trained on without a word."""
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=["data=custom", *words])
    if message is None:
        assert train_settings(cfg).data.train_file == train_file
        return
    with pytest.raises(ConfigError, match=message):
        train_settings(cfg)


def test_loader_processes_begin_as_the_system_can():
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        for data in ("synth36", "synth_wild", "h36m"):
            assert compose("train", overrides=[f"data={data}"]).data.start_method == "auto"


def test_a_border_that_the_original_crop_does_not_have_is_refused():
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings

    words = ["+experiment=paper_h36m", "data.augmentation.border=mixed"]
    with initialize_config_dir(conf_dir(), version_base="1.3"):
        with pytest.raises(ConfigError, match=r"border=mixed is for model\.crop_mode=standard; set it to black"):
            train_settings(compose("train", overrides=words))


@pytest.mark.parametrize("workers", [-1, "many", 1.5])
def test_a_value_of_several_kinds_is_named_once_and_by_its_key(workers):
    """Pydantic names each kind that it tried: ``data.workers.constrained-int=-1``."""
    with pytest.raises(ConfigError, match=rf"^data\.workers={workers}: ") as refused:
        parse(DataConfig, {"train_file": "a", "test_file": "b", "workers": workers}, "data")
    assert "constrained" not in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("data", ["synth36", "synth_wild", "h36m"])
def test_every_key_of_the_data_stands_in_the_configuration_with_a_comment(data):
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.data import AugmentationConfig

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        composed = compose("train", overrides=[f"data={data}", "data.exclude=[s9_drift]", "data.cameras=[0,1]"]).data
    assert set(DataConfig.model_fields) <= set(composed)
    assert set(composed.augmentation) == set(AugmentationConfig.model_fields)
    files = ("synth36.yaml", "augmentation/original.yaml")
    lines = [line for file in files for line in (Path(conf_dir()) / "data" / file).read_text().splitlines()]
    said = {match[1]: line for line in lines if (match := re.match(r" *(?:- )?(\w+):", line))}
    silent = {key for key in (*DataConfig.model_fields, *AugmentationConfig.model_fields) if "#" not in said[key]}
    assert silent <= {"augmentation", "actions"}  # explained in the lines below them


def test_the_default_choice_of_records_is_all_of_them():
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.data import DataConfig
    from c2fpose.config.run import train_settings

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        data = train_settings(compose("train")).data
    for key in (
        "train_subjects",
        "test_subjects",
        "actions",
        "cameras",
        "frame_stride",
        "test_frame_stride",
        "exclude",
    ):
        assert getattr(data, key) == DataConfig.model_fields[key].default


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seeds=[0,1]"], r"^seeds=\[0, 1\] is for the rows of an experiment, .*: -m seed=0,1,2$"),
        (["seeds=3"], r"^seeds=3: expected a list, such as seeds=\[3\]$"),
        (["rows=[d64]"], r"^rows=\['d64'\] is for the rows of an experiment"),
        (
            ["trainer.max_steps=9"],
            r"^trainer\.max_steps=9: with model\.optimizer\.warmup=0\.1 the rate would rise in no",
        ),
        (["trainer.max_steps=3", "model.optimizer.warmup=0.25"], r"^trainer\.max_steps=3: with .*warmup=0\.25"),
    ],
)
def test_keys_that_would_do_nothing_and_a_cycle_without_a_rise_are_refused(words, message):
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings

    with initialize_config_dir(conf_dir(), version_base="1.3"), pytest.raises(ConfigError, match=message):
        train_settings(compose("train", overrides=words))


CONSTANT = "model.optimizer.schedule=constant"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reuse='runs/*/laptop'"], "error: reuse=runs/*/laptop: jobs of a sweep are taken over"),
        (["model.target.sigma=3"], "error: model.target.sigma=3.0 is for model.target.definition=paper alone"),
        ([CONSTANT, "model.optimizer.warmup=0.3"], "error: model.optimizer.warmup=0.3 is for model.optimizer.schedule"),
        (
            ["data.mix=[{source: a.h5}]", "data.frame_stride=5"],
            "warning: data.frame_stride=5 does not thin the sources",
        ),
        (["trainer.max_steps=40"], "warning: trainer.validate_every=500 is beyond trainer.max_steps=40: no validation"),
        (["data.mix=[{source: a.h5, every: 5}]", "data.frame_stride=5"], ""),
        (["model.target.sigma=3", "model.target.definition=paper"], ""),
        ([CONSTANT, "model.optimizer.warmup=0.3", "resume=a.ckpt"], ""),
    ],
)
def test_a_single_run_is_told_of_keys_that_it_would_not_read(words, message, capsys):
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import CheckConfiguration

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        cfg = compose("train", overrides=words)
    with pytest.raises(SystemExit) if message.startswith("error") else nullcontext() as refused:
        CheckConfiguration().on_run_start(cfg)
    said = capsys.readouterr().err
    assert said.startswith(message) and said.count("\n") == bool(message)
    assert refused is None or refused.value.code == 2


@pytest.mark.parametrize("schema", [TablesSettings, DashboardSettings])
def test_every_rule_of_the_roots_depth_can_be_shown_and_no_other(schema):
    for rule in ROOT_DEPTH_RULES:
        assert parse(schema, {"sweeps": ["runs/a"], "root_depth": rule}, "").root_depth == rule
    with pytest.raises(ConfigError, match=r"^root_depth: 'guess' is no rule for the root's depth; one of ground"):
        parse(schema, {"sweeps": ["runs/a"], "root_depth": "guess"}, "")


@pytest.mark.parametrize(
    ("schema", "values", "key"),
    [
        (DataConfig, {"train_file": "a", "test_file": "b", "cache_limit_gb": math.inf}, "cache_limit_gb"),
        (SpaceConfig, {"depth_range_mm": [-math.inf, math.inf]}, "depth_range_mm"),
    ],
)
def test_infinity_is_refused_as_no_json_could_hold_it(schema, values, key):
    with pytest.raises(ConfigError, match=rf"{key}.*finite number"):
        parse(schema, values, "")


def test_a_batch_of_one_value_a_channel_is_refused():
    small = ["data.image_size=32", "model.network.image_size=32", "model.network.heatmap_size=8", "data.batch_size=1"]
    from hydra import compose, initialize_config_dir

    from c2fpose.config.command_line import conf_dir
    from c2fpose.config.run import train_settings

    with initialize_config_dir(conf_dir(), version_base="1.3"):
        with pytest.raises(ConfigError, match=r"^data\.batch_size=1: with model\.network\.levels=3 BatchNorm would"):
            train_settings(compose("train", overrides=[*small, "model.network.levels=3"]))
        train_settings(compose("train", overrides=[*small, "model.network.levels=2"]))
        train_settings(compose("train", overrides=[*small, "model.network.levels=3", "model.network.norm=group"]))
