"""Bad values are refused in one line that names key, value and what is allowed."""

import pytest

from c2fpose.config import ModelConfig, NetworkConfig, parse
from c2fpose.errors import ConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depths": []}, "depths is empty"),
        ({"depths": [4, 2, 64]}, "decreases"),
        ({"depths": [1, 32]}, "must end at depth_bins=64"),
        ({"depths": [3, 64]}, "depth 3 .* does not divide"),
        ({"depths": [0, 64]}, "model.network.depths.0=0"),
        ({"supervision": "seperated"}, "'separated', 'direct' or 'none'"),
        ({"head": "voxels"}, "'volume' or 'coordinates'"),
        ({"width": 4}, "model.network.width=4: .*greater than or equal to 8"),
        ({"width": 30}, "multiple of 4"),
        ({"levels": 9}, "model.network.levels=9"),
        ({"levels": 5, "heatmap_size": 16, "image_size": 64}, "do not divide heatmap_size"),
        ({"heatmap_size": 60}, "a half or a quarter"),
        ({"head": "coordinates", "depths": [1, 64]}, "one stack"),
        ({"widht": 64}, "model.network.widht: no such key"),
    ],
)
def test_refused(values, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse(NetworkConfig, values, "model.network")
    assert "\n" not in str(caught.value)


def test_weights_must_match_the_stacks():
    with pytest.raises(ConfigError, match="2 values for 4 supervised stacks"):
        parse(ModelConfig, {"loss": {"stack_weights": [1, 1]}}, "model")
    parse(ModelConfig, {"network": {"supervision": "none"}, "loss": {"stack_weights": [1]}}, "model")
