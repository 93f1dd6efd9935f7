"""Schemas of the ``data`` group of the configuration. Light to import; the code that obeys them is beside it."""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from c2fpose.config.schema import Count, Name, NonNegative, Positive, Schema
from c2fpose.pose.protocol import ACTIONS, TEST_SUBJECTS, TRAIN_SUBJECTS

Share = Annotated[float, Field(ge=0, le=1)]
HalfRange = Annotated[float, Field(ge=0, lt=1)]


class AugmentationConfig(Schema):
    """Random changes of training images. The defaults are the original's: geometry and one gain a colour channel."""

    scale_spread: NonNegative = 0.25  # the box's side times 1 + scale_spread * N(0, 1) ...
    scale_limit: HalfRange = 0.25  # ... held within 1 -+ scale_limit
    rotation_spread_deg: NonNegative = 30.0  # rotation by rotation_spread_deg * N(0, 1) ...
    rotation_limit_deg: Annotated[float, Field(ge=0, le=180)] = 60.0  # ... held within +-rotation_limit_deg
    rotation_none_probability: Share = 0.6  # share of images that are not rotated at all
    flip_probability: Share = 0.5  # mirror image, left and right joints exchanged
    flip_whole_batch: bool = False  # true: one draw for the whole batch, as the original's
    channel_gain: HalfRange = 0.2  # each colour channel times U(1 - gain, 1 + gain)
    # Everything below is not in the original and is off by default. Boxes as people draw them:
    loose_probability: Share = 0.0  # share of images whose box is wider still, times up to ...
    loose_limit: Annotated[float, Field(ge=1, le=4)] = 2.0  # ... this (small factors as often as large ones)
    cut_probability: Share = 0.0  # share of the others whose box leaves parts of the person out: its side times U(...
    cut_smallest: Annotated[float, Field(gt=0.1, le=1)] = 0.5  # ... this, 1), its centre moved towards a random joint
    shift_spread: HalfRange = 0.0  # the box moved by N(0, shift_spread) sides along either axis, held within twice that
    # Beyond the edge of the stored picture: black, as predict pads; or in turn black, its last pixels, its mirror image
    border: Literal["black", "mixed"] = "black"
    # Colour and light
    brightness: HalfRange = 0.0  # times U(1 - b, 1 + b)
    contrast: HalfRange = 0.0  # about the mean, times U(1 - c, 1 + c)
    saturation: Annotated[float, Field(ge=0, le=1)] = 0.0  # times U(1 - s, 1 + s)
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0  # turned by U(-h, h) of the colour circle
    gamma_probability: Share = 0.0  # brightness to a power of 0.6 to 1.7
    tone_probability: Share = 0.0  # a random curve from dark to bright
    temperature_probability: Share = 0.0  # light of another colour temperature
    grey_probability: Share = 0.0  # no colour at all
    light_probability: Share = 0.0  # brighter or darker to one side, by up to a fifth
    shadow_probability: Share = 0.0  # one or two polygons in shadow
    # In front of the person
    occlusion_probability: Share = 0.0  # one to three plain rectangles of random colour ...
    occlusion_size: Annotated[float, Field(gt=0, le=0.6)] = 0.3  # ... with sides up to this share of the image
    # The camera and the file; lengths in shares of the image's side
    blur_probability: Share = 0.0  # Gaussian blur, sigma up to an 80th of the image
    defocus_probability: Share = 0.0  # blur of a disc, radius up to a 40th
    motion_probability: Share = 0.0  # blur along a line ...
    motion_length: Annotated[float, Field(gt=0, le=0.5)] = 0.08  # ... of up to this share of the image
    downscale_probability: Share = 0.0  # fewer pixels, and back: down to ...
    downscale_smallest: Annotated[float, Field(gt=0.05, le=0.9)] = 0.35  # ... this share of them along each axis
    noise_probability: Share = 0.0  # Gaussian noise, standard deviation 0.02 to 0.08 of full scale
    jpeg_probability: Share = 0.0  # compressed by JPEG, quality from ...
    jpeg_worst: Annotated[int, Field(ge=1, le=95)] = 25  # ... this to 95

    # Behind the person, where the file has masks (synth_wild; others stay as they are)
    background_probability: Share = 0.0  # share of images that get another background ...
    backgrounds: str = "made"  # ... "made" by procedures, or cut out of the photographs of a folder

    @property
    def photometric(self) -> bool:
        """Whether anything beyond geometry and channel gains is asked for."""
        jitter = self.brightness or self.contrast or self.saturation or self.hue
        chances = [
            value
            for name, value in self
            if name.endswith("_probability")
            and name.split("_")[0] not in ("rotation", "flip", "loose", "cut", "background")
        ]
        return bool(jitter or any(chances))

    @property
    def scale_range(self) -> tuple[float, float]:
        """Smallest and largest factor of the box's side."""
        limit = self.scale_limit if self.scale_spread else 0.0
        least = (1 - limit) * (self.cut_smallest if self.cut_probability else 1)
        return least, (1 + limit) * (self.loose_limit if self.loose_probability else 1)


# What is measured of each source of a mix: in mm from the root, and in the picture in percent of the side of the box
SOURCE_ERRORS = ("mpjpe_mm", "off_percent")
LABELS = ("full", "2d", "ordinal")  # kinds of labels; a batch names them by their place here


class MixSource(Schema):
    """One source of a mixed training."""

    source: str  # HDF5 of training subjects, see data/schema.py; train_file itself too
    # Of the images, by the sum of all shares; "records" (of all sources or none): every record once an epoch
    share: Positive | Literal["records"] = 1.0
    labels: Literal["full", "2d", "ordinal"] = "full"  # what is used of them: all | no depth | the order of depths
    every: Count = 1  # every n-th record of each sequence and camera
    # false: no sequence of it is kept from training, and it is not validated apart; train_file's stay out of training
    held_out: bool = True
    subjects: tuple[int, ...] | None = None  # null: train_subjects; of another data set than train_file's: all
    # What its errors are called where each source has its own; null: mix0, mix1, ... by its place
    name: Annotated[str, Field(pattern=r"^\w[\w-]*$")] | None = None
    test_file: str | None = None  # HDF5 of test people of this source, measured apart at the end; null: none


class DataConfig(Schema):
    """Which files, which of their records, and what a batch of them looks like."""

    preset: str = ""  # name of the data, part of the paths in conf/data; read by nothing else
    train_file: str  # HDF5 of the training subjects, see data/schema.py
    mix: tuple[MixSource, ...] = ()  # trained on instead of train_file, which then gives the validation alone
    test_file: str  # HDF5 of the test subjects
    image_size: Annotated[int, Field(ge=16, le=1024)] = 256  # px; side of the network's square input
    batch_size: Count = 4  # training images a step
    eval_batch_size: Count = 32  # validation and test images a step
    # Loader processes, 0: none beside the main one; "auto": ``datamodule.loader_workers``. Batches do not depend on it
    workers: Annotated[int, Field(ge=0, le=128)] | Literal["auto"] = "auto"
    # How loader processes begin; "auto": by fork on Linux, elsewhere, where that is unsafe or missing, by spawn
    start_method: Literal["auto", "fork", "spawn", "forkserver"] = "auto"
    # Page-locked batches, for faster copies to a GPU; "auto": where there is one
    pin_memory: bool | Literal["auto"] = "auto"
    # "standard": one resampling at real-valued box edges; "released_code": the original's whole-pixel boxes and
    # its own resampling, exact where frames are stored uncut
    crop_mode: Literal["standard", "released_code"] = "standard"
    # "memory": decoded images are kept, already reduced towards image_size; batches are the same bit for bit
    cache: Literal["none", "memory"] = "none"
    cache_limit_gb: Positive = 4.0  # a larger cache is refused
    on_corrupt: Literal["fail", "skip"] = "fail"  # an unreadable image ends the run, or is counted and passed over
    augmentation: AugmentationConfig | None = AugmentationConfig()  # null: none

    # Null, of these four: all that the files have
    train_subjects: tuple[int, ...] | None = TRAIN_SUBJECTS
    test_subjects: tuple[int, ...] | None = TEST_SUBJECTS
    actions: tuple[Name, ...] | None = ACTIONS  # names as in the files: Human3.6M's published ones, or the data's own
    cameras: tuple[Annotated[int, Field(ge=0)], ...] | None = (0, 1, 2, 3)  # numbers; Human3.6M's: of CAMERA_SERIALS
    frame_stride: Count = 1  # every n-th record of each training sequence and camera
    test_frame_stride: Count = 1  # the same for test sequences
    exclude: tuple[Literal["s9_drift", "s11_directions_corrupt"], ...] = ()  # protocol.EXCLUSIONS
    # "held_out_sequences": every n-th sequence of the training subjects is kept from training;
    # "test_subjects": the test records (the choice of a checkpoint by them is not blind)
    validation: Literal["held_out_sequences", "test_subjects"] = "held_out_sequences"
    validation_every: Annotated[int, Field(ge=2)] = 16  # n: 1 of n sequences, all its frames and cameras
    validation_records: Count | None = 512  # at most so many records, evenly spread; null: all

    @model_validator(mode="before")
    @classmethod
    def _also_is_a_mix(cls, values: Any) -> Any:
        """Read ``also`` of earlier configurations: files beside ``train_file``, every record of all as often.

        Draws are the same as then; but of a file of another data set than ``train_file``'s all actions and cameras.
        """
        if not isinstance(values, dict) or "also" not in values:
            return values
        values = dict(values)
        also = values.pop("also")
        if also and values.get("mix"):
            raise ValueError("mix and also: give one of them; a file of also can be a source of mix")
        if also:
            common = {"share": "records", "subjects": values.get("train_subjects", TRAIN_SUBJECTS)}
            own = {"source": values.get("train_file"), "every": values.get("frame_stride", 1)}
            further = [{"source": each.get("file"), "every": each.get("every", 1), "held_out": False} for each in also]
            values["mix"] = [common | each for each in (own, *further)]
        return values

    @model_validator(mode="before")
    @classmethod
    def _files_are_given(cls, values: Any) -> Any:
        """Take the first source of ``mix`` where no ``train_file`` is given; raises for a file that nothing says."""
        if not isinstance(values, dict):
            return values
        mix = values.get("mix") or ()
        if values.get("train_file", "") is None and mix and isinstance(mix[0], dict):
            values = values | {"train_file": mix[0].get("source")}
        for key in ("train_file", "test_file"):
            if values.get(key, "") is None:
                raise ValueError(f"{key} is not given: a file that python -m c2fpose.data.prepare has written")
        return values

    @model_validator(mode="after")
    def _consistent(self) -> "DataConfig":
        shared = set(self.train_subjects or ()) & set(self.test_subjects or ())
        if shared:
            raise ValueError(f"subject {min(shared)} is in both train_subjects and test_subjects")
        if len({each.share == "records" for each in self.mix}) > 1:
            raise ValueError("mix: share: records is for all sources or for none")
        twice = [name for name, times in Counter(self.mix_names).items() if times > 1]
        if twice:
            raise ValueError(f"mix: two sources are called {twice[0]}; give each a name of its own")
        return self

    @property
    def mix_names(self) -> list[str]:
        """What the sources of ``mix`` are called in curves and tables."""
        return [source.name or f"mix{place}" for place, source in enumerate(self.mix)]
