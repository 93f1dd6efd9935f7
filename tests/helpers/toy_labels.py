"""Batches and configurations of toy size, for every representation."""

import torch

from c2fpose.config.model import ModelConfig
from c2fpose.config.representations import schema_of
from c2fpose.model.representations.interface import Labels
from c2fpose.model.volumes.points import from_points, to_points
from c2fpose.pose.space import PAPER, PoseSpace

NETWORK = dict(width=8, levels=1, residuals=1, image_size=16, heatmap_size=8, depth_bins=8)


def config_of(head: str, depths: tuple[int, ...] = (2, 8), representation: dict | None = None, **model) -> ModelConfig:
    """A model with this head, and the schedule where it has stacks."""
    network = NETWORK | {"head": head, "depths": depths if schema_of(head).by_stack else depths[-1:]}
    return ModelConfig(network=network, representation=representation or {}, **model)


def labels_of(images: int = 3, seed: int = 1) -> Labels:
    """Random points well inside, three of four visible; float64."""
    generator = torch.Generator().manual_seed(seed)
    points = 0.2 + 0.6 * torch.rand(images, 17, 3, dtype=torch.float64, generator=generator)
    return Labels(points, torch.rand(images, 17, generator=generator) < 0.75, **camera_of(points))


def camera_of(points: torch.Tensor, space: PoseSpace = PAPER) -> dict[str, torch.Tensor]:
    """Poses in mm, and the camera that sees them at the x and y of points: the crop's side is 0.4 of the distance."""
    box_to_ray = points.new_tensor([[0.4, 0.0, -0.15], [0.0, 0.4, -0.25]]).expand(len(points), 2, 3)
    depth_mm = from_points(points, space)[1] + 4000
    ray = points[..., :2] @ box_to_ray[..., :2].mT + box_to_ray[:, None, :, 2]
    joints_mm = torch.cat([ray * depth_mm[..., None], depth_mm[..., None]], -1)
    return {"joints_mm": joints_mm, "box_to_ray": box_to_ray}


def batch_of(images: int = 2, space: PoseSpace = PAPER) -> dict[str, torch.Tensor]:
    """What the module needs of a batch."""
    generator, joints = torch.Generator().manual_seed(3), space.skeleton.joints
    batch = {
        "image": torch.randint(0, 256, (images, 3, 16, 16), dtype=torch.uint8, generator=generator),
        "joints_box": torch.rand(images, joints, 2, generator=generator),
        "depth_rel_mm": torch.rand(images, joints, generator=generator) * 1000 - 500,
        "visible": torch.rand(images, joints, generator=generator) < 0.8,
        "record": torch.arange(images),
    }
    camera = camera_of(to_points(batch["joints_box"], batch["depth_rel_mm"], space), space)
    return batch | {"joints_turned_mm": camera["joints_mm"], "box_to_ray": camera["box_to_ray"]}
