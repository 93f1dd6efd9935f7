"""Schema of ``python -m c2fpose.evaluate``."""

from typing import Literal

from c2fpose.config.schema import Accelerator, Count, Name, Schema

RECORDS = {"test_subjects", "actions", "cameras", "exclude", "test_frame_stride"}  # keys that choose what is evaluated


class EvaluateSettings(Schema):
    """The keys of ``conf/evaluate.yaml``; null takes what the checkpoint was trained with."""

    ckpt: str
    out: str | None = None
    decoding: Literal["argmax", "subvoxel", "expectation"] | None = None
    flip: bool | None = None
    batch_norm: Literal["running", "batch"] | None = None
    test_file: str | None = None
    # Which records, as in DataConfig, which checks them
    test_subjects: tuple[int, ...] | None = None
    actions: tuple[Name, ...] | None = None
    cameras: tuple[int, ...] | None = None
    exclude: tuple[str, ...] | None = None
    test_frame_stride: Count | None = None
    accelerator: Accelerator = "auto"
    precision: Literal["auto", "bf16-mixed", "32-true", "64-true"] = "auto"
    batch_size: Count = 32
    workers: int = 0
    pictures: Count = 12
