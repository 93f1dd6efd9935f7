"""Data of one's own to ``train.h5`` and ``test.h5``: read, checked as a whole, then written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from c2fpose.base.console import PlainConsole
from c2fpose.base.errors import ConfigError, DataError
from c2fpose.base.files import ready_directory
from c2fpose.base.lock import alone_in
from c2fpose.base.progress import Progress
from c2fpose.base.provenance import code_version
from c2fpose.data.custom.checks import LEAST_PX, doubts, faults, in_camera_frame, projected
from c2fpose.data.custom.images import Cut, Pictures, found, sizes_px
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.readers import reader_of, unread_by
from c2fpose.data.custom.records import Records
from c2fpose.data.custom.sides import unpaired
from c2fpose.data.plausible import ImplausibleError, check_annotations
from c2fpose.data.schema import SplitInfo, SplitReader, checked_arrays, write_split
from c2fpose.pose.anatomy import part_of
from c2fpose.pose.protocol import BOX_SCALE_UNIT_PX
from c2fpose.pose.skeleton import C2F17, Skeleton

DATASET = "custom"
SPLITS = ("train", "test")
LOOSE = 1.1  # sides of the joints' extent in a box that is not given, as Human3.6M's are for a person of 400 px
FOCAL = 1.2  # of a picture's longer side: an ordinary camera's, where nothing is known of it
MOST_CUT = 0.5  # of the boxes given, that may leave much of their person out
_LEAST_SIDE_PX = 8.0


@dataclass
class _Ready:
    """Checked records, in the order in which they are written."""

    records: Records
    paths: list[Path | None]
    annotations: dict[str, np.ndarray]
    cuts: list[Cut]
    in_test: np.ndarray
    provenance: dict[str, Any]


def prepare(config: CustomConfig, console: PlainConsole | None = None) -> list[SplitInfo]:
    """Read a source of one's own, check it, and write its splits; returns what was written (nothing in a dry run).

    Raises ``DataError`` for the gravest mistake, named by record, after a line for each kind; nothing is then written.
    ``OccupiedError`` where another process writes to the same place, ``OutputError`` where nothing can be written.
    """
    console = console or PlainConsole(stderr=True)
    _check_read(config)
    records = reader_of(config.source)(config)
    _check_mirror(records)
    for note in records.notes:
        console.print(note)
    if config.test_subjects is not None:  # before what the records say
        records.split = []
    folders = [config.path / config.images] if config.images else [config.path, config.path / "images"]
    paths = found(records.image, records.places, folders)
    sizes = sizes_px(paths)
    if wrong := faults(records, sizes, config.trust_sides, config.trust_size):
        for fault in wrong[1:]:
            console.print(f"also: {fault.in_words(records)}", style="yellow")
        raise DataError(wrong[0].in_words(records))
    for doubt in doubts(records, sizes):
        console.print(f"warning: {doubt}", style="yellow")
    ready = _ready(config, records, paths, sizes, console)
    _describe(ready, console)
    if config.dry_run:
        console.print("Dry run: nothing was written.")
        return []
    with alone_in(config.out):
        ready_directory(config.out)
        _check_free(config)
        try:
            new = {split: _written(config, ready, split, console) for split in SPLITS}
            written = [info for split in SPLITS if (info := _in_place(config, split, new[split], console)) is not None]
        finally:
            for split in SPLITS:
                _beside(config, split).unlink(missing_ok=True)
    for info in written:
        console.print(f"{info.path}: {info.records} records, fingerprint {info.fingerprint[:16]}")
    console.print(f"Check with: python -m c2fpose.data.verify {written[0].path}")
    return written


def _check_read(config: CustomConfig) -> None:
    """Refuse keys that would do nothing: of the source that is read, and of pictures that are stored whole."""
    defaults = {name: field.default for name, field in CustomConfig.model_fields.items()}
    given = [name for name, value in config if value != defaults[name]]
    if unread := [name for name in given if name in unread_by(config.source)]:
        raise ConfigError(f"{unread[0]}={getattr(config, unread[0])}: is not read with source={config.source}")
    if config.crop == "none" and (cut := [name for name in given if name in ("margin", "stored_px")]):
        raise ConfigError(f"{cut[0]}={getattr(config, cut[0])}: is for crop=box; crop=none stores whole pictures")


def _check_mirror(records: Records) -> None:
    if pair := unpaired(records.skeleton):
        raise DataError(
            f"skeleton: mirror: lacks [{', '.join(pair)}], left first: their names would be exchanged where pictures "
            "are mirrored in training"
        )


def _ready(
    config: CustomConfig, records: Records, paths: list[Path | None], sizes: np.ndarray, console: PlainConsole
) -> _Ready:
    cam_mm = in_camera_frame(records)
    px = np.where(np.isnan(records.joints_px), projected(records, cam_mm), records.joints_px)
    center, side = _boxes(records, px)
    numbers, subjects = _subjects(records.subject)
    actions = list(dict.fromkeys(records.action))
    cameras = list(dict.fromkeys(records.camera))
    without_picture = [path is None for path in paths]
    if any(without_picture) and not all(without_picture):
        first = without_picture.index(True)
        raise DataError(f"{records.places[first]}: no image, and others have one; name one in each record, or in none")
    cuts = [_cut(config, *box) for box in zip(center, side, strict=True)]
    intrinsics, assumed = _intrinsics(records, sizes)
    annotations = {
        "joints_cam_mm": cam_mm,
        "joints_px": px,
        "center_px": center,
        "scale": side / BOX_SCALE_UNIT_PX,
        "intrinsics_px": intrinsics,
        "stored_left_top_px": np.array([(cut.left, cut.top) for cut in cuts], float),
        "stored_step_px": np.array([cut.step_px for cut in cuts]),
        "subject": np.array([numbers[name] for name in records.subject]),
        "action": np.array([actions.index(name) for name in records.action]),
        "trial": np.maximum(records.trial, 1),
        "camera": np.array([cameras.index(name) for name in records.camera]),
        "frame": np.array(records.frame),
    }
    in_test, how = _in_test(config, records, console)
    whole = np.isfinite(cam_mm).all() and np.isfinite(px).all()
    provenance = {
        "source": config.source, "code_version": code_version(), "actions": actions, "subjects": subjects,
        "cameras": cameras, "lenses": _lenses(records), "assumed_focal": int(assumed), "test": how,
    } | ({} if whole else {"labels": "partial"}) | ({"sizes": "any"} if config.trust_size else {})  # fmt: skip
    cut = _cut_by_box(records, px, center, side)
    if cut.any():  # of what can be seen: the rest of the person lies elsewhere
        console.print(f"{int(cut.sum())} records have joints far outside their box: taken as boxes of what is seen")
        provenance["boxes"] = "visible"
    _check_plausible(config, records, annotations, cut=bool(cut.any()), partial=not whole)
    return _Ready(records, paths, annotations, cuts, in_test, provenance)


def _cut_by_box(records: Records, px: np.ndarray, center: np.ndarray, side: np.ndarray) -> Bool[np.ndarray, " N"]:
    """Say which boxes leave much of their person out; none where most do: they are of something else then."""
    given = np.isfinite(records.box_px).all(1)
    with np.errstate(invalid="ignore"):
        far = given & (np.abs(px - center[:, None]) > side[:, None, None]).any((1, 2))
    return far if far.sum() <= MOST_CUT * given.sum() else np.zeros_like(far)


def _check_plausible(
    config: CustomConfig, records: Records, table: dict[str, np.ndarray], cut: bool, partial: bool
) -> None:
    """Find what a reader of the file would refuse, before it is written."""
    arrays = checked_arrays(config.path, table, records.skeleton)
    sizes, actions = config.trust_size, len(set(records.action))
    try:
        check_annotations(arrays, DATASET, str(config.path), cut=cut, partial=partial, any_size=sizes, actions=actions)
    except ImplausibleError as error:
        raise DataError(f"{records.places[error.record]}: {error.fault}") from None


def _boxes(records: Records, px: np.ndarray) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, " N"]]:
    """Centres and sides: of the boxes given, else a little wider than the labelled joints."""
    known = np.isfinite(px[..., :1])
    low = np.where(known, px, np.inf).min(1)
    high = np.where(known, px, -np.inf).max(1)
    given = np.isfinite(records.box_px).all(1)
    lost = ~given & ~known.any((1, 2))
    if lost.any():
        raise DataError(f"{records.places[int(np.argmax(lost))]}: no box, and no joint in px to draw one around")
    side = np.where(given, records.box_px[:, 2], np.maximum(LOOSE * (high - low).max(-1), _LEAST_SIDE_PX))
    if (side < LEAST_PX).any():
        first = int(np.argmax(side < LEAST_PX))
        shares = "" if side[first] <= 0 else ": a share of the picture for px? Multiply boxes by its width and height"
        raise DataError(f"{records.places[first]}: box: a side of {side[first]:g} px{shares}")
    center = np.where(given[:, None], records.box_px[:, :2] + records.box_px[:, 2:] / 2, (low + high) / 2)
    return center, side


def _cut(config: CustomConfig, center: np.ndarray, side: float) -> Cut:
    if config.crop == "none":
        return Cut(0, 0, None, config.stored_px)
    whole = int(np.ceil(config.margin * side))
    left, top = np.floor(center - whole / 2).astype(int)
    return Cut(int(left), int(top), whole, config.stored_px)


def _intrinsics(records: Records, sizes: np.ndarray) -> tuple[Float[np.ndarray, "N 4"], bool]:
    """Each record's camera; an ordinary one where it is not known, and whether that was needed."""
    rows, assumed = [], False
    for name, size in zip(records.camera, sizes, strict=True):
        if name in records.cameras:
            rows.append(records.cameras[name].intrinsics_px)
        else:
            assumed = True
            width, height = np.nan_to_num(size, nan=1000.0)
            rows.append((FOCAL * max(width, height),) * 2 + (width / 2, height / 2))
    return np.array(rows), assumed


def _lenses(records: Records) -> dict[str, Any]:
    """Collect the distortion of each camera that has one, as cameras.yaml says it."""
    return {
        name: {"model": camera.lens, "coefficients": list(camera.distortion)}
        for name, camera in records.cameras.items()
        if camera.distortion
    }


def _subjects(names: list[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Give each subject a number: its own where all are numbers, and the names by number."""
    different = sorted(dict.fromkeys(names), key=lambda name: (len(name), name))
    plain = all(name.isdecimal() and int(name) < 2**15 for name in different)
    plain = plain and len({int(name) for name in different}) == len(different)  # 1 and 01 are two
    numbers = {name: int(name) if plain else number for number, name in enumerate(different, start=1)}
    return numbers, {str(number): name for name, number in numbers.items()}


def _in_test(config: CustomConfig, records: Records, console: PlainConsole) -> tuple[np.ndarray, str]:
    """Which records are for testing, and by what rule, in words."""
    subject = np.array(records.subject)
    if records.split:
        return np.array(records.split) == "test", "as each record says"
    different = sorted(set(records.subject), key=lambda name: (len(name), name))
    if config.test_subjects is not None:
        if unknown := set(config.test_subjects) - set(different):
            raise DataError(f"test_subjects: no subject is called {min(unknown)}; one of {', '.join(different)}")
        return np.isin(subject, config.test_subjects), f"subjects {', '.join(config.test_subjects)}"
    if config.test_share == 0:
        return np.zeros(len(subject), bool), "none"
    if len(different) > 1:
        chosen = different[-max(1, round(config.test_share * len(different))) :]
        return np.isin(subject, chosen), f"subjects {', '.join(chosen)}, the last"
    console.print(
        "warning: one subject alone: its last sequences, or frames, are the test, and its errors will flatter; "
        "label somebody else, or say test_share=0",
        style="yellow",
    )  # fmt: skip
    sequences = list(zip(records.action, records.trial, strict=True))
    order = list(dict.fromkeys(sequences))
    if len(order) > 1:
        last = set(order[-max(1, round(config.test_share * len(order))) :])
        return np.array([each in last for each in sequences]), "the last sequences of the one subject"
    rank = np.argsort(np.argsort(records.frame, kind="stable"), kind="stable")
    return rank >= len(rank) - max(1, round(config.test_share * len(rank))), "the last frames of the one sequence"


def _describe(ready: _Ready, console: PlainConsole) -> None:
    table, joints = ready.annotations, ready.annotations["joints_cam_mm"]
    deep = np.isfinite(joints[..., 2]).any(1)
    console.print(
        f"{len(table['scale'])} records, {ready.records.skeleton.label}; {int(deep.sum())} with joints in mm, "
        f"{int((~deep).sum())} in the picture alone; {len(set(ready.records.subject))} subjects, "
        f"{int(ready.in_test.sum())} records for testing: {ready.provenance['test']}",
    )  # fmt: skip
    whole = np.isfinite(joints).all((1, 2)) & np.isfinite(table["joints_px"]).all((1, 2))
    if not whole.any():
        console.print(
            "note: no record has all joints in px and in mm, so errors cannot be measured on these, nor can they be "
            "trained on alone: docs/own_data.md, labels in px alone"
        )
    if ready.provenance["assumed_focal"] and deep.any():
        console.print("warning: cameras without intrinsics: an ordinary camera's are taken", style="yellow")
    skeleton = ready.records.skeleton
    if lost := int((deep & np.isnan(joints[:, skeleton.root, 2])).sum()):
        console.print(
            f"warning: {lost} of them lack {skeleton.names[skeleton.root]} in mm, the root, from which depths count: "
            "they train in the picture alone",
            style="yellow",
        )
    if not skeleton.mirror_pairs:
        console.print(
            "note: skeleton: it has no mirror, so no joints are exchanged where training mirrors pictures; if some are "
            "left and right, name them there"
        )
    if others := _called_otherwise(skeleton):
        console.print(
            f"note: by name alone joints are mixed with other sets, and taken from the package's network, which says "
            f"{others[0]}{f', and {len(others) - 1} more otherwise' if len(others) > 1 else ''}"
        )


def _called_otherwise(skeleton: Skeleton) -> list[str]:
    """List joints that the paper's skeleton has under another name."""
    papers = {part_of(name): name for name in C2F17.names if skeleton.index(name) is None}
    own = [(name, papers.get(part_of(name))) for name in skeleton.names if C2F17.index(name) is None]
    return [f"{theirs} for {name}" for name, theirs in own if theirs]


def _check_free(config: CustomConfig) -> None:
    for split in SPLITS:
        path = config.out / f"{split}.h5"
        if path.exists() and not config.overwrite:
            raise DataError(f"{path}: is there already; overwrite=true replaces it, out= names another directory")


def _in_place(config: CustomConfig, split: str, new: Path | None, console: PlainConsole) -> SplitInfo | None:
    path = config.out / f"{split}.h5"
    if new is None:
        path.unlink(missing_ok=True)  # of earlier contents
        console.print(f"{path}: not written: no record is for it")
        return None
    new.replace(path)
    return SplitReader(path).info


def _beside(config: CustomConfig, split: str) -> Path:
    return config.out / f"{split}.new.h5"


def _written(config: CustomConfig, ready: _Ready, split: str, console: PlainConsole) -> Path | None:
    """Write a split beside its place, where it comes when both are whole."""
    rows = np.flatnonzero(ready.in_test if split == "test" else ~ready.in_test)
    path = _beside(config, split)
    if not len(rows):
        return None
    table = ready.annotations
    order = np.lexsort([table[name][rows] for name in ("frame", "camera", "trial", "action", "subject")])
    rows = rows[order]
    with Progress(console=console) as progress:
        write_split(
            path,
            {name: array[rows] for name, array in table.items()},
            None if ready.paths[0] is None else _jpegs(ready, rows, config.quality, progress, split),
            dataset=DATASET,
            split=split,
            provenance=ready.provenance,
            skeleton=ready.records.skeleton,
        )
    return path


def _jpegs(ready: _Ready, rows: np.ndarray, quality: int, progress: Progress, split: str) -> Iterator[bytes]:
    task, pictures = progress.add_task(split, total=len(rows)), Pictures()
    for row in rows:
        try:
            yield pictures.encoded(ready.paths[row], ready.records.frame[row], ready.cuts[row], quality)
        except DataError as error:
            raise DataError(f"{ready.records.places[row]}: {error}") from None
        progress.advance(task)
