"""A network to predict with is the module's own, under the same names."""

import pytest
import torch
from toy_networks import COORDINATES, VOLUME, crops, trained

from c2fpose.model.checkpoints.conversion import save_module
from c2fpose.model.checkpoints.saved import load_network
from c2fpose.prediction.engines import make_predictor


@pytest.mark.parametrize("model", [VOLUME, COORDINATES])
def test_a_file_gives_the_modules_points(model, tmp_path):
    module = trained(model)
    save_module(module, tmp_path / "n.safetensors")
    network = load_network(tmp_path / "n.safetensors")
    assert network.state_dict().keys() == module.state_dict().keys() and not network.training
    assert network.provenance == module.provenance and network.config == module.config
    first, second = (make_predictor(each).predict_points(crops(2)) for each in (module, network))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
