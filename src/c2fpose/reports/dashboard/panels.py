"""What a dashboard shows, once for W&B and for the HTML page alike: panels, and the logged metrics that they name."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from c2fpose.reports.results import Results

from dataclasses import dataclass

from c2fpose.config.representations import schema_of
from c2fpose.pose.camera import ROOT_DEPTH_RULES


@dataclass(frozen=True)
class Panel:
    """One chart, picture strip or table; ``metrics`` are keys that training or evaluation logs."""

    title: str
    metrics: tuple[str, ...]
    kind: Literal["lines", "bars", "pictures", "table"] = "lines"


def sections(stacks: int, volumes: bool = True) -> dict[str, tuple[Panel, ...]]:
    """Panels by section, for networks of so many supervised stacks; ``volumes``: whether there are some."""
    losses = tuple(f"train/loss_stack{number}" for number in range(1, stacks + 1))
    pictures = [Panel("Poses of validation images", ("pictures/poses",), "pictures")]
    if volumes:
        pictures.insert(0, Panel("Volumes along the stacks, and the target", ("pictures/volumes",), "pictures"))
    return {
        "Validation": (Panel("MPJPE of validation images, mm", ("val/mpjpe_mm",)),),
        "Depth emerging": tuple(pictures),
        "Training": (
            Panel("Loss", ("train/loss",)),
            *(Panel(f"Loss of stack {number}", (loss,)) for number, loss in enumerate(losses, start=1)),
            Panel("Learning rate", ("train/learning_rate",)),
        ),
        "Test subjects": (
            Panel("MPJPE by root-depth rule, mm", tuple(f"test/mpjpe_mm_{rule}" for rule in ROOT_DEPTH_RULES), "bars"),
            Panel(
                "Reconstruction error by root-depth rule, mm",
                tuple(f"test/reconstruction_mm_{rule}" for rule in ROOT_DEPTH_RULES),
                "bars",
            ),
            Panel("MPJPE by action, mm", ("test/by_action",), "table"),
            Panel("Best, median and worst test images", ("test/sheet",), "pictures"),
        ),
        "Machine": (
            Panel("Images a second", ("speed/images_per_second",)),
            Panel("Memory, GiB", ("memory/gib",)),
        ),
    }


def shape_of(results: "Results") -> tuple[int, bool]:
    """Most supervised stacks of any row that has begun, and whether any row predicts volumes."""
    networks = [job.told.get("model", {}).get("network", {}) for job in results.jobs if job.told]
    stacks = [1 if net.get("supervision") == "none" else len(net.get("depths", [1])) for net in networks]
    return max(stacks, default=1), any(schema_of(net.get("head", "volume")).volumetric for net in networks)
