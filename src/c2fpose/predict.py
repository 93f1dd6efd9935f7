"""``python -m c2fpose.predict input=photo.jpg ckpt=...``: the 3D pose of a person in a photograph."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from c2fpose.base.errors import exits_cleanly
from c2fpose.config.command_line import as_text, options
from c2fpose.config.schema import Schema
from c2fpose.prediction.person import Asked, describe, draw, made, predict, write_json


class PredictSettings(Schema):
    """The keys of ``conf/predict.yaml``."""

    input: str
    ckpt: str
    box: tuple[float, float, float] | None = None
    focal_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    out: str | None = None
    engine: Literal["auto", "torch", "onnxruntime", "openvino"] = "auto"
    precision: Literal["auto", "bf16-mixed", "32-true"] = "32-true"

    @field_validator("box", mode="before")
    @classmethod
    def _three_numbers(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            left, top, side = (float(part) for part in value.strip("[]() ").split(","))
        except ValueError:
            raise ValueError(f"{value!r}: expected x,y,side, three numbers in px with commas between them") from None
        return left, top, side


@exits_cleanly
def main(words: list[str] | None = None) -> None:
    """One photograph: a picture and a JSON file."""
    words = sys.argv[1:] if words is None else words
    settings = options(PredictSettings, "predict.yaml", as_text(words, ("input", "ckpt", "out", "box")))
    from c2fpose.prediction.photo import Box, assumed_intrinsics_px, check_box, read_photo, whole_box

    photo = Path(settings.input)
    image = read_photo(photo)
    box = check_box(Box(*settings.box), image) if settings.box else whole_box(image)
    folder = made(Path(settings.out) if settings.out else photo.parent)

    from c2fpose.prediction.engines import load_predictor

    predictor = load_predictor(settings.ckpt, settings.engine, settings.precision)
    prediction = predict(predictor, image, box, assumed_intrinsics_px(image, settings.focal_px))
    picture, numbers = (folder / f"{photo.stem}_pose{ending}" for ending in (".png", ".json"))
    focal = f"{'given' if settings.focal_px else 'assumed'} focal length of {prediction.intrinsics_px[0]:.0f} px"
    draw(prediction, image, f"{photo.name}: root at {prediction.root_depth_mm / 1000:.2f} m, {focal}", picture)
    asked = Asked(settings.input, settings.ckpt, settings.focal_px is not None, settings.box is not None)
    write_json(describe(prediction, image, predictor, asked), numbers)
    if not prediction.in_front:
        print(
            "warning: no plausible distance found: a joint lies behind the camera; try a tighter box", file=sys.stderr
        )
    print(f"picture: {picture}\nnumbers: {numbers}")


if __name__ == "__main__":
    main()
