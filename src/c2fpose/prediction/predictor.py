"""Poses of arrays: images in, typed results out. ``from c2fpose import PosePredictor``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from jaxtyping import Float, UInt8
from pydantic import TypeAdapter, ValidationError

from c2fpose.base.errors import ConfigError, DataError
from c2fpose.base.provenance import file_hash
from c2fpose.config.prediction import MOST_SHIFT, MOST_SIZES, SHIFT, SIZE_RANGE, Sizes
from c2fpose.config.representations import schema_of
from c2fpose.data.rgb import UnknownRangeError, upright_rgb
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.representations import representation_of
from c2fpose.prediction.certainty import meaning_of
from c2fpose.prediction.engines import Predictor, TorchEngine, load_predictor
from c2fpose.prediction.finder.judge import find_people
from c2fpose.prediction.finder.weights import load_finder
from c2fpose.prediction.focal import Exif, camera_of, exif_of, read_exif
from c2fpose.prediction.inputs import shown
from c2fpose.prediction.people import Seen, crops_of, root_depth_rule, second_looks, seen_of, without_doubles
from c2fpose.prediction.photo import Box, check_box, read_photo, whole_box
from c2fpose.prediction.reading import read_as_asked
from c2fpose.prediction.result import BoxFrom, Camera, Frame, ModelUsed, PersonPose, PoseResult, Source
from c2fpose.prediction.shifts import steadied_poses
from c2fpose.prediction.sizes import sizes_for, surest_poses

Image = UInt8[np.ndarray, "_ _ 3"]
Picture = np.ndarray | PIL.Image.Image | str | Path  # RGB bytes, Pillow's image, or a file of one
Boxes = Sequence[Any] | np.ndarray  # each: left, top, side in px; about a tenth wider than the person


class PosePredictor:
    """Predict the 3D poses of people in images with one trained network.

    ``checkpoint``: a file of training or of ``python -m c2fpose.export``, or ``builtin``, the package's own network.
    ``engine``: ``auto``, ``torch``, ``onnxruntime`` or ``openvino``. ``accelerator``: ``auto`` is the GPU where
    PyTorch runs the network and finds one, ``cpu`` or ``gpu``. ``precision``: ``32-true``, ``bf16-mixed`` or ``auto``.
    ``flip``: average with the mirrored image, for twice the work; None: as the network's configuration says.
    ``power``: joints are means of their places weighted by the volume to this power, the higher the nearer to its
    highest voxel; None: as ``decoding.predict_power`` says, the package's own network 4, else as it was trained.
    ``sizes``: sides of each box that are looked at, in sides of the box; the surest look is kept. None: boxes that are
    given are taken as they are; of people found and whole pictures a calibrated network looks at several.
    ``shift``: how far a box is moved to four sides for further looks, in sides of the box; the median of the five
    looks, joint by joint, is the pose. 0: one look, a fifth of the work for a box that is given.
    Raises ``UserError`` for a file that is no network and an engine that cannot run it.
    """

    def __init__(
        self,
        checkpoint: str | Path = "builtin",
        *,
        engine: str = "auto",
        accelerator: str = "auto",
        precision: str = "32-true",
        flip: bool | None = None,
        power: float | None = None,
        sizes: Sequence[float] | None = None,
        shift: float = SHIFT,
    ) -> None:
        if not 0 <= shift <= MOST_SHIFT:
            raise ConfigError(f"shift={shift}: expected 0 to {MOST_SHIFT}, a share of the box's side")
        if sizes is not None:
            sizes = _checked_sizes(sizes)
        predictor = read_as_asked(load_predictor(checkpoint, engine, precision, accelerator), flip, power)
        self.predictor = predictor
        self.sizes, self.shift = sizes, shift
        self._sizes("given")  # refused at once
        self.model = model_used(predictor, checkpoint)

    def __call__(self, image: Picture, boxes: Boxes | None = None, **how: Any) -> PoseResult:
        """Predict the people of one image; ``many`` says what the arguments mean."""
        return self.many([image], None if boxes is None else [boxes], **how)[0]

    def many(
        self,
        images: Sequence[Picture],
        boxes: Sequence[Boxes] | None = None,
        *,
        find: bool = False,
        least_score: float | None = None,
        intrinsics_px: Float[np.ndarray, " 4"] | None = None,
        focal_px: float | None = None,
        fov_deg: float | None = None,
        volumes: bool = False,
    ) -> list[PoseResult]:
        """Predict the people of many images, all crops in common batches; one result an image.

        ``images``: upright RGB bytes, each (rows, columns, 3), of any size; or Pillow's images or files of them, which
        are turned upright by their EXIF data. ``boxes``: for each image the squares of
        its people, as left, top and side in px; None: one person, whom all of each image shows, or whoever ``find``
        finds with the package's own finder, at a chance of ``least_score``; None: as the command. The camera, as the
        command chooses it: ``intrinsics_px`` (fx, fy, cx, cy) or ``focal_px``, of all images; else what the EXIF data
        of a file, or of Pillow's image as it was opened, say; else ``fov_deg``, the angle of view over the longer side;
        else an ordinary camera's, 1.2 times the longer side. ``volumes``: keep each person's volumes, of all
        stacks where PyTorch runs the network, of the last one otherwise; people are then looked at in one place, so
        that the pose is what its volumes show.

        Raises ``DataError`` for what is no image and boxes outside them, ``ConfigError`` for an absurd camera.
        """
        if find and boxes is not None:
            raise ConfigError("boxes=... and find=True: give one of them")
        if least_score is not None and not 0 < least_score < 1:
            raise ConfigError(f"least_score={least_score}: expected a chance above 0 and below 1")
        checked = [_image(image, number) for number, image in enumerate(images)]
        cameras = [
            _camera(image, _exif(given), intrinsics_px, focal_px, fov_deg)
            for given, image in zip(images, checked, strict=True)
        ]
        shift = 0.0 if volumes else self.shift
        if find:
            people = [
                self._found(image, camera, shift, least_score) for image, camera in zip(checked, cameras, strict=True)
            ]
        else:
            people = self._boxed(checked, boxes, cameras, shift)
        if volumes:
            people = [
                [replace(person, volumes=stack_volumes(self.predictor, image, person.box)) for person in each]
                for image, each in zip(checked, people, strict=True)
            ]
        return [
            PoseResult(
                Source("arrays", (image.shape[1], image.shape[0])),
                camera,
                (Frame(tuple(each)),),
                root_depth_rule(self.predictor),
                self.model,
                meaning_of(self.predictor.provenance, each),
                space=self.predictor.config.pose_space,
            )
            for image, camera, each in zip(checked, cameras, people, strict=True)
        ]

    def _boxed(
        self, images: list[Image], boxes: Sequence[Boxes] | None, cameras: list[Camera], shift: float
    ) -> list[list[PersonPose]]:
        """Predict the people in the boxes of each image; crops of all images share batches."""
        if boxes is not None and len(boxes) != len(images):
            raise DataError(f"boxes: {len(boxes)} lists of boxes for {len(images)} images; give one for each")
        given = [None] * len(images) if boxes is None else boxes
        seen = [_seen(image, each, number) for number, (image, each) in enumerate(zip(images, given, strict=True))]
        owners = [number for number, each in enumerate(seen) for _ in each]
        people = self._looked_at(
            [images[number] for number in owners],
            [one for each in seen for one in each],
            np.array([cameras[number].intrinsics_px for number in owners], float).reshape(-1, 4),
            "whole" if boxes is None else "given",
            shift,
        )
        sorted_out: list[list[PersonPose]] = [[] for _ in images]
        for number, person in zip(owners, people, strict=True):
            sorted_out[number].append(replace(person, id=len(sorted_out[number])))
        return sorted_out

    def _found(self, image: Image, camera: Camera, shift: float, least_score: float | None) -> list[PersonPose]:
        seen = seen_of(find_people(self.predictor, load_finder("builtin"), image, least_score))
        seen, _ = second_looks(self.predictor, image, seen, camera.intrinsics_px)
        cameras = np.broadcast_to(camera.intrinsics_px, (len(seen), 4))
        people = self._looked_at([image] * len(seen), seen, cameras, "found", shift)
        return without_doubles(people, self.predictor.config.pose_space.skeleton.mirror)

    def _looked_at(
        self,
        images: list[Image],
        boxes: list[Seen],
        intrinsics_px: Float[np.ndarray, "N 4"],
        source: BoxFrom,
        shift: float,
    ) -> list[PersonPose]:
        people = surest_poses(self.predictor, images, boxes, intrinsics_px, self._sizes(source))
        return steadied_poses(self.predictor, images, people, intrinsics_px, shift)

    def _sizes(self, source: BoxFrom) -> tuple[float, ...]:
        return sizes_for(self.predictor, self.sizes, source)


def _checked_sizes(sizes: Sequence[float]) -> tuple[float, ...]:
    """Return sizes of boxes as the command's key ``sizes`` takes them. Raises ``ConfigError`` for others."""
    try:
        return TypeAdapter(Sizes).validate_python(tuple(sizes))
    except (TypeError, ValidationError):
        low, high = SIZE_RANGE
        raise ConfigError(
            f"sizes={sizes!r}: expected one to {MOST_SIZES} numbers from {low} to {high}, in sides of the box"
        ) from None


def model_used(predictor: Predictor, file: str | Path) -> ModelUsed:
    """Say which network a predictor is, for results."""
    trained = predictor.provenance
    ways = schema_of(predictor.config.network.head).decodings
    return ModelUsed(
        file=shown(file),
        sha256=file_hash(path) if (path := checkpoint_path(file)).is_file() else None,
        code_version=trained.get("code_version"),
        data_fingerprints=trained.get("data_fingerprints"),
        image_size_px=predictor.config.network.image_size,
        # A head that has one way alone to read its points obeys nothing else of the decoding
        decoding=predictor.config.decoding.model_dump(mode="json", include=None if ways else {"flip"}),
        engine=predictor.name,
        precision=predictor.precision,
        device=predictor.device,
    )


def with_volumes(predictor: Predictor, result: PoseResult, image: Image) -> PoseResult:
    """Add the volumes of everybody in a picture; nothing to a network's that has none."""
    if not schema_of(predictor.config.network.head).volumetric:
        return result
    frames = tuple(
        replace(
            frame,
            people=tuple(
                replace(person, volumes=stack_volumes(predictor, image, person.box)) for person in frame.people
            ),
        )
        for frame in result.frames
    )
    return replace(result, frames=frames)


def stack_volumes(predictor: Predictor, image: Image, box: Box) -> tuple[Float[np.ndarray, "J _ H W"], ...]:
    """Give the volumes of a box, coarse to fine: of all stacks from PyTorch, of the last one from other engines.

    Mirror images are averaged in if the decoding wants them. Raises ``ConfigError`` for a network without volumes.
    """
    crops, _ = crops_of(predictor, [image], [box])
    representation, engine = representation_of(predictor.config), predictor.engine
    if not schema_of(predictor.config.network.head).volumetric:
        raise ConfigError(f"volumes: a network with head={predictor.config.network.head} has none to show")
    found = []
    for crop in (crops, crops.flip(-1)) if predictor.config.decoding.flip else (crops,):
        with torch.inference_mode():
            found.append(engine.all_outputs(crop) if isinstance(engine, TorchEngine) else [engine(crop)])
    # As the pose is read from them: of some representations a softmax makes likelihoods of the output
    return tuple(representation.read(*pair)[0].float().cpu().numpy() for pair in zip(*found, strict=True))


def _image(image: Picture, number: int) -> Image:
    """Return an image's bytes: of Pillow's, or a file's, upright as their EXIF data say."""
    if isinstance(image, str | Path):
        return read_photo(image)
    if isinstance(image, PIL.Image.Image):
        try:
            image = upright_rgb(image)
        except (OSError, UnknownRangeError) as error:  # Pillow reads a file when its pixels are asked for
            raise DataError(f"image {number}: {error}") from None
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3 or not image.size:
        raise DataError(f"image {number}: {image.dtype} of shape {image.shape}; expected RGB bytes, (rows, columns, 3)")
    return image


def _exif(image: Picture) -> Exif | None:
    """Read the EXIF data of a file, or of Pillow's image as it was opened: one that was cut keeps another's."""
    if isinstance(image, str | Path):
        return read_exif(image)
    return exif_of(image) if isinstance(image, PIL.Image.Image) and image.format else None


def _seen(image: Image, boxes: Boxes | None, number: int) -> list[Seen]:
    if boxes is None:
        return [Seen(whole_box(image), "whole")]
    try:
        made = [Box(*(float(value) for value in box)) for box in boxes]
    except (TypeError, ValueError):
        raise DataError(f"image {number}: boxes={boxes!r}; expected left, top and side in px for each person") from None
    return [Seen(check_box(box, image), "given") for box in made]


def _camera(
    image: Image,
    exif: Exif | None,
    intrinsics_px: Float[np.ndarray, " 4"] | None,
    focal_px: float | None,
    fov_deg: float | None,
) -> Camera:
    if intrinsics_px is None:
        return camera_of((image.shape[1], image.shape[0]), exif=exif, focal_px=focal_px, fov_deg=fov_deg)
    values = np.asarray(intrinsics_px, float)
    if values.shape != (4,) or not np.isfinite(values).all() or (values[:2] <= 0).any():
        raise ConfigError(f"intrinsics_px={values.tolist()}: expected fx, fy, cx, cy in px, the first two above 0")
    return Camera(values, "given")
