"""What ``python -m c2fpose.data.prepare source=custom`` is told; conf/prepare_custom.yaml explains its keys."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from c2fpose.config.schema import Schema


class CustomConfig(Schema):
    """The keys of ``conf/prepare_custom.yaml``."""

    source: str
    path: Path
    out: Path
    table: str | None = None
    skeleton: str | None = None
    cameras: str | None = None
    images: str | None = None
    every: Annotated[int, Field(ge=1)] = 1
    joints_frame: Literal["camera", "world"] = "camera"
    test_subjects: tuple[str, ...] | None = None
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.2
    crop: Literal["box", "none"] = "box"
    margin: Annotated[float, Field(ge=1, le=4)] = 1.4
    stored_px: Annotated[int, Field(ge=64, le=4096)] = 384
    quality: Annotated[int, Field(ge=50, le=100)] = 92
    trust_sides: bool = False
    trust_size: bool = False
    dry_run: bool = False
    overwrite: bool = False


class TemplateConfig(Schema):
    """The keys of ``conf/template.yaml``."""

    out: Path
    source: Path | None = Field(None, alias="from")
    joints: tuple[str, ...] | str | None = None
    parents: dict[str, str] = Field(default_factory=dict)
    root: str | None = None
    images: Path | None = None
    image: str | None = None
    cameras: tuple[str, ...] = ("camera",)
    labels: Literal["px", "mm", "both"] = "both"
    unit: Literal["mm", "cm", "m"] = "mm"
    overwrite: bool = False
