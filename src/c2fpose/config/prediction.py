"""Schemas of ``python -m c2fpose.predict`` and ``python -m c2fpose.finder``."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from c2fpose.config.schema import Accelerator, Count, Positive, Schema

NETWORK_SUFFIXES = (".onnx", ".xml")  # of a network without its code: ONNX, OpenVINO

SHIFT, MOST_SHIFT = 0.05, 0.2  # of a box's side, to four sides; the first that was tried, and the most
MOST_POWER = 32.0  # beyond it small values vanish in float32, and the highest voxel is what is left

FOV_DEG = (1.0, 170.0)  # over the longer side: what lies outside is no pinhole camera

SIZE_RANGE, MOST_SIZES = (0.5, 3.0), 16  # of a box's side: what may be looked at, and how often
Sizes = Annotated[
    tuple[Annotated[float, Field(ge=SIZE_RANGE[0], le=SIZE_RANGE[1])], ...], Field(min_length=1, max_length=MOST_SIZES)
]


class PredictSettings(Schema):
    """The keys of ``conf/predict.yaml``."""

    input: Annotated[tuple[str, ...], Field(min_length=1)]
    ckpt: str = "builtin"
    person: Literal["find", "whole"] = "find"
    box: tuple[float, float, float] | None = None
    boxes: str | None = None
    people: Literal["largest", "all"] = "all"
    finder: str = "builtin"
    looks: Annotated[int, Field(ge=1, le=8)] = 2
    sizes: Sizes | None = None
    shift: Annotated[float, Field(ge=0, le=MOST_SHIFT)] = SHIFT
    least_score: Annotated[float, Field(gt=0, lt=1)] | None = None
    focal_px: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    fov: Annotated[float, Field(ge=FOV_DEG[0], le=FOV_DEG[1])] | None = None
    flip: bool | None = None
    power: Annotated[float, Field(gt=0, le=MOST_POWER)] | None = None
    smooth: Literal["none", "filter", "viterbi"] = "filter"
    every: Count = 1
    out: str | None = None
    formats: tuple[str, ...] | None = None
    overwrite: bool = False
    engine: str = "auto"  # or one of ``prediction.engines``
    accelerator: Accelerator = "auto"
    precision: Literal["auto", "bf16-mixed", "32-true"] = "32-true"

    @field_validator("input", "formats", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

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

    @model_validator(mode="after")
    def _one_way_to_boxes(self) -> "PredictSettings":
        if self.box is not None and self.boxes is not None:
            raise ValueError("box=... and boxes=...: give one of them")
        return self

    @model_validator(mode="after")
    def _something_to_write(self) -> "PredictSettings":
        if self.out is not None and not self.out.strip():
            raise ValueError("out= is empty: give a folder or a file, or null for beside the input")
        if self.formats is not None and not self.formats:
            raise ValueError("formats=[]: give one at least, or null")
        return self


class FinderSettings(Schema):
    """The keys of ``conf/finder.yaml``."""

    out: str
    seed: int = Field(0, ge=0)
    start_from: str | None = None
    measure: str | None = None
    cutouts: Count = 800
    people: str | None = None
    people_count: Count = 2000
    places: int = Field(0, ge=0)
    test_people: str | None = None
    size: int = Field(192, ge=64, le=1024, multiple_of=64)
    steps: int = Field(3000, ge=1)
    batch: int = Field(16, ge=2, multiple_of=2)
    rate: Positive = 2e-3
    fall: float = Field(0.4, gt=0, le=1)
    bf16: bool = True
    threads: Count = 1
    test_scenes: Count = 500
    judge: str | None = "builtin"
