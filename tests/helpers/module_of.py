"""Small networks with weights, and what they say of the same two images."""

import torch

from c2fpose.config.model import ModelConfig
from c2fpose.model.module import PoseModule
from c2fpose.pose.skeleton import C2F17
from c2fpose.pose.space import PoseSpace

NETWORK = {"width": 8, "levels": 1, "residuals": 1, "image_size": 32, "heatmap_size": 8, "depth_bins": 16}


def module_of(skeleton=C2F17, range_mm=(-1000.0, 1000.0), seed=0, head="volume", depths=(1, 16), **network):
    torch.manual_seed(seed)
    network = NETWORK | {"head": head, "depths": depths} | network
    config = ModelConfig.model_validate({"network": network, "decoding": {"flip": False}})
    if head in ("coordinates", "laplace", "simcc"):
        config = ModelConfig.model_validate({"network": network, "decoding": {"flip": False, "method": "argmax"}})
    lengths = (100.0,) * len(skeleton.limbs)
    config = config.in_space(PoseSpace(skeleton, range_mm, lengths), "a.h5")
    return PoseModule(config.model_dump(mode="json")).eval()


def saved(module):
    return {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}


def outputs(module, seed=5):
    image = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(seed)) / 255
    with torch.no_grad():
        out = module.network(image)
    return out if isinstance(out, list) else [out]
