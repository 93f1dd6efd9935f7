"""Each person looked at in boxes of several sizes, and the look of which the network is surest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from c2fpose.base.errors import ConfigError
from c2fpose.prediction.certainty import calibration_of
from c2fpose.prediction.engines import Predictor
from c2fpose.prediction.people import Image, Seen, poses_of, resized
from c2fpose.prediction.result import BoxFrom, PersonPose

# Sides of the box. Boxes are drawn tighter and looser than those trained on; more than these brought nothing.
SIZES = (0.9, 1.0, 1.1, 1.25)


def sizes_for(predictor: Predictor, asked: Sequence[float] | None, source: BoxFrom) -> tuple[float, ...]:
    """Choose the sizes: those asked for, else ``SIZES`` where a calibrated network looks at boxes that nobody gave.

    A box that was given is taken to be right, and in a right box other sizes find a little less (docs/model_card.md).
    Raises ``ConfigError`` where several are asked for and the network cannot say how sure it is.
    """
    calibrated = calibration_of(predictor.provenance) is not None
    if asked is None:
        return SIZES if calibrated and source != "given" else (1.0,)
    if len(asked) > 1 and not calibrated:
        raise ConfigError(
            f"sizes={list(asked)}: this network does not say how sure it is, so no size can be chosen; "
            "give one size, or calibrate it first: python -m c2fpose.calibrate"
        )
    return tuple(asked)


def surest_poses(
    predictor: Predictor,
    images: list[Image],
    boxes: list[Seen],
    intrinsics_px: Float[np.ndarray, "N 4"],
    sizes: Sequence[float],
) -> list[PersonPose]:
    """Predict each person in boxes of all ``sizes`` (sides of the given box) and keep the surest look at each.

    How sure a look is: the mean confidence of its joints; of equal ones the first. Arguments otherwise as ``poses_of``.
    """
    looks = [
        poses_of(
            predictor,
            images,
            [each._replace(box=resized(each.box, size * each.box.side)) for each in boxes],
            intrinsics_px,
        )
        for size in sizes
    ]
    return [
        replace(max(same, key=_mean_confidence), id=number)
        for number, same in enumerate(zip(*looks, strict=True))
    ]  # fmt: skip


def _mean_confidence(person: PersonPose) -> float:
    return 0.0 if person.confidence is None else float(person.confidence.mean())
