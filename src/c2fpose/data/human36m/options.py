"""What ``python -m c2fpose.data.prepare`` is told; ``conf/prepare.yaml`` says what each key means."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from c2fpose.config.schema import Count, Schema
from c2fpose.data.human36m.images import Cut
from c2fpose.data.human36m.sequences import SUBJECTS, Sequence
from c2fpose.data.human36m.sources import names, source_of
from c2fpose.pose.protocol import ACTIONS, CAMERA_SERIALS


class PrepareConfig(Schema):
    """The keys of ``conf/prepare.yaml``."""

    source: str  # of ``sources``
    path: Path
    out: Path
    metadata: Path | None = None
    subjects: tuple[int, ...] | None = None
    actions: tuple[str, ...] | None = None
    cameras: tuple[Annotated[int, Field(ge=0, lt=len(CAMERA_SERIALS))], ...] | None = None
    complete: bool = True
    every: Count | None = None
    images: Literal["embedded", "files"] = "embedded"
    crop: Literal["box", "none"] | None = None
    margin: Annotated[float, Field(ge=1, le=4)] = 1.25
    quality: Annotated[int, Field(ge=50, le=100)] = 95
    workers: Annotated[int, Field(ge=1, le=128)] = 4
    dry_run: bool = False
    overwrite: bool = False

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        if source not in names():
            raise ValueError(f"{source!r}: expected one of {', '.join(names())}")
        return source

    @field_validator("subjects")
    @classmethod
    def _known_subjects(cls, subjects: tuple[int, ...] | None) -> tuple[int, ...] | None:
        unknown = set(subjects or ()) - set(SUBJECTS)
        if unknown:
            raise ValueError(
                f"no poses are published for subject {min(unknown)}; one of {', '.join(map(str, SUBJECTS))}"
            )
        return subjects

    @field_validator("actions")
    @classmethod
    def _known_actions(cls, actions: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = set(actions or ()) - set(ACTIONS)
        if unknown:
            raise ValueError(f"unknown action {min(unknown)!r}; one of {', '.join(ACTIONS)}")
        return actions

    @property
    def stride(self) -> int:
        """Every so many frames, from frame 1."""
        return self.every or source_of(self.source).stride

    @property
    def cut(self) -> Cut:
        """What of each frame is stored."""
        return Cut(self.crop or source_of(self.source).crop, self.margin, self.quality)

    def wanted(self, sequence: Sequence) -> bool:
        """Whether a sequence is asked for."""
        return (
            (self.subjects is None or sequence.subject in self.subjects)
            and (self.actions is None or ACTIONS[sequence.action] in self.actions)
            and (self.cameras is None or sequence.camera in self.cameras)
        )
