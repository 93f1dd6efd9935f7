"""Names of Human3.6M's sequences: files say "Waiting 3", records say action and trial."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from c2fpose.base.errors import DataError
from c2fpose.pose.protocol import (
    ACTION_SPELLINGS,
    ACTIONS,
    CAMERA_SERIALS,
    EXCLUSIONS,
    TEST_SUBJECTS,
    TRAIN_SUBJECTS,
    TRIAL_SUFFIX_EXCEPTIONS,
    TRIAL_SUFFIXES,
)

SUBJECTS = tuple(sorted((*TRAIN_SUBJECTS, *TEST_SUBJECTS)))
TRIALS = (1, 2)
_SEQUENCE = re.compile(r"([A-Za-z]+)(?:[ _](\d))?")
_IMAGE = re.compile(r"S(\d{1,2})_([A-Za-z]+(?:[ _]\d)?)\.(\d{8})_(\d{6})")
_ENDING = re.compile(r"\.(jpe?g|png)$", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Sequence:
    """One video: who does what for the which time, seen by which camera."""

    subject: int
    action: int  # index into protocol.ACTIONS
    trial: int  # 1 or 2
    camera: int  # index into protocol.CAMERA_SERIALS

    @property
    def name(self) -> str:
        """As in the authors' file names: ``S1_Directions_1.54138969``."""
        return f"S{self.subject}_{self.take.replace(' ', '_')}.{CAMERA_SERIALS[self.camera]}"

    @property
    def take(self) -> str:
        """As in the release's file names: ``Directions 1``."""
        return take_name(self.subject, self.action, self.trial)

    @property
    def corrupt(self) -> bool:
        """Whether this is the video that the authors' set leaves out."""
        return any(
            (self.subject, ACTIONS[self.action]) == (subject, action)
            and trial in (None, self.trial)
            and camera in (None, self.camera)
            for subject, action, trial, camera in EXCLUSIONS["s11_directions_corrupt"]
        )


def take_name(subject: int, action: int, trial: int) -> str:
    """Make the release's name of a subject's sequence, action in its published spelling."""
    exceptions = TRIAL_SUFFIX_EXCEPTIONS.get(subject, {})
    suffix = exceptions.get(ACTIONS[action], TRIAL_SUFFIXES)[trial - 1]
    return f"{ACTIONS[action]} {suffix}".strip()


def take_of(subject: int, name: str, where: str) -> tuple[int, int]:
    """Find action index and trial of a sequence's name, whole names only: "Sitting 1" is not "SittingDown 1".

    Raises ``DataError`` for a name that this subject has not.
    """
    match = _SEQUENCE.fullmatch(name)
    action = ACTION_SPELLINGS.get(match[1], match[1]) if match else ""
    if match is None or action not in ACTIONS:
        raise DataError(f"{where}: {name!r} is no action of Human3.6M; expected a name such as 'Directions 1'")
    number = ACTIONS.index(action)
    for trial in TRIALS:
        if take_name(subject, number, trial) == f"{action} {match[2] or ''}".strip():
            return number, trial
    known = " and ".join(repr(take_name(subject, number, trial)) for trial in TRIALS)
    raise DataError(f"{where}: S{subject} has no sequence {name!r}; its sequences of {action} are {known}")


def camera_of(serial: str | int, where: str) -> int:
    """Camera index of a serial number; ``DataError`` for another one."""
    if not str(serial).strip().isdigit() or int(serial) not in CAMERA_SERIALS:
        known = ", ".join(map(str, CAMERA_SERIALS))
        raise DataError(f"{where}: {serial} is no camera of Human3.6M; expected one of {known}")
    return CAMERA_SERIALS.index(int(serial))


def bare_name(name: str) -> str:
    """Take folders and the ending off an image's name: some of a source's files have them, others do not."""
    return _ENDING.sub("", name.strip().replace("\\", "/").rpartition("/")[2])


def counted_from_one(frames: np.ndarray) -> np.ndarray:
    """Frame numbers from 1, whether they were counted from 0 or from 1: all frames of a source's file together.

    A frame 0 tells, and so do numbers that are all multiples of 5: sets at 10 fps have 1, 6, 11 ... or 0, 5, 10 ...
    """
    from_zero = len(frames) and (frames.min() == 0 or (len(frames) > 1 and (frames % 5 == 0).all()))
    return frames + 1 if from_zero else frames


def parse_image_name(name: str, where: str) -> tuple[Sequence, int]:
    """Sequence and frame of an image named as ``S5_Eating_1.55011271_000321.jpg``, with folders and ending or not.

    Raises ``DataError`` for another pattern.
    """
    match = _IMAGE.fullmatch(bare_name(name))
    if not match:
        raise DataError(f"{where}: image {name!r} is not named as S5_Eating_1.55011271_000321.jpg")
    subject = int(match[1])
    action, trial = take_of(subject, match[2], where)
    return Sequence(subject, action, trial, camera_of(match[3], where)), int(match[4])


def rows_by_sequence(
    parsed: list[tuple[Sequence, int]],
    frames: Int[np.ndarray, "N"],
    stride: int,
    wanted: Callable[[Sequence], bool],
) -> list[tuple[Sequence, list[int]]]:
    """Sort rows into the sequences that are wanted, every ``stride``-th frame; ``frames`` counts from one.

    The corrupt one is left out, which not every preparation does.
    """
    rows_of: dict[Sequence, list[int]] = {}
    for row, (sequence, _) in enumerate(parsed):
        if (frames[row] - 1) % stride == 0 and wanted(sequence) and not sequence.corrupt:
            rows_of.setdefault(sequence, []).append(row)
    return sorted(rows_of.items())
