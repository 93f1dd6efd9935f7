"""Poses smoothed along time in two passes: a Kalman filter forwards, Rauch-Tung-Striebel's smoother back.

What is smoothed is what the network says: joints in the picture, their depths from the root (the pelvis), and the
root's own depth, which is by far the noisiest. Each moves at a velocity that wanders; how much of what is seen is
noise, the track says itself (maximum likelihood). Where joints have covariances, they weigh the frames. Missing frames
are filled.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from c2fpose.pose.camera import back_project
from c2fpose.pose.skeleton import ROOT
from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Frame, PersonPose

LONGEST_GAP_S = 0.5  # a person who is away for longer is two people as far as smoothing goes
FEWEST = 5  # frames: less cannot be told from noise
WANDER = tuple(
    10.0 ** np.arange(-6, 2.01, 0.5)
)  # noise of the acceleration that is tried, in noise of the sight/frame^3
OUTLIER = 3.0  # standard deviations from which a frame counts less (Huber)
SENTENCE = (
    "Kalman filter and Rauch-Tung-Striebel smoother, constant velocity; picture positions, depths and the pelvis's "
    "distance each with the noise of greatest likelihood"
)
_TUNED_ON = 600  # frames of a track by which the noise is chosen
_BLOCK, _BESIDE = 4000, 500  # frames smoothed together, and how many more on both sides: their influence has died away


class Smoothed(NamedTuple):
    """Series along time with their variances."""

    mean: Float[np.ndarray, "T N"]
    variance: Float[np.ndarray, "T N"]


class Tuning(NamedTuple):
    """How series move and how noisy they are, as their first frames say."""

    frame_s: float  # usual time from frame to frame
    noise: float  # median variance of what is seen; variances are in units of it
    wander: float  # noise of the acceleration, in noise of the sight/frame^3


class _Track(NamedTuple):
    """A person's frames without a long gap, and the tuning of px, depths from the root, and the root's depth."""

    id: int
    first: int
    stop: int
    tunings: tuple[Tuning, Tuning, Tuning]


class _Series(NamedTuple):
    """A track's numbers, NaN where the person was not seen, and variances up to a factor."""

    px: Float[np.ndarray, "T 2*J"]
    depth_mm: Float[np.ndarray, "T J"]  # from the root
    log_root: Float[np.ndarray, "T 1"]  # the distance is what mean limbs say: its logarithm has one noise near and far
    noise_px: Float[np.ndarray, "T 2*J"]
    noise_depth: Float[np.ndarray, "T J"]

    def with_noise(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Pair the three groups of series with their variances."""
        return (self.px, self.noise_px), (self.depth_mm, self.noise_depth), (self.log_root, np.ones_like(self.log_root))


def smoothed(frames: Sequence[Frame], intrinsics_px: Float[np.ndarray, " 4"], root: int = ROOT) -> Iterator[Frame]:
    """Smooth every person's track and fill its gaps of up to half a second with poses that are not ``observed``.

    ``root``: which joint depths count from. Joints in mm and px stay each other's projections. Frames stay as they are
    otherwise. Long videos are done block by block: an hour needs no more memory than a few minutes.
    """
    times_s = np.array([frame.time_s for frame in frames])
    tracks = _tracks(frames, times_s, intrinsics_px)
    for first in range(0, len(frames), _BLOCK):
        stop = min(first + _BLOCK, len(frames))
        low, high = max(first - _BESIDE, 0), min(stop + _BESIDE, len(frames))
        near = [{person.id: person for person in frame.people} for frame in frames[low:high]]
        found = [dict(people) for people in near[first - low : stop - low]]
        for track in tracks:
            if track.first < stop and track.stop > first:
                begin, end = max(track.first, low), min(track.stop, high)
                seen = [near[at - low].get(track.id) for at in range(begin, end)]
                poses = _smooth_track(track, seen, times_s[begin:end], intrinsics_px, root)
                for at in range(max(begin, first), min(end, stop)):
                    found[at - first][track.id] = poses[at - begin]
        for at, people in enumerate(found, first):
            yield replace(frames[at], people=tuple(people[id] for id in sorted(people)))


def _tracks(
    frames: Sequence[Frame], times_s: Float[np.ndarray, " T"], intrinsics_px: Float[np.ndarray, " 4"]
) -> list[_Track]:
    """Everybody's stretches, each with its tuning."""
    tracks = []
    for id, first, stop in _stretches(frames, times_s):
        start = slice(first, min(first + _TUNED_ON, stop))
        poses = [next((each for each in frame.people if each.id == id), None) for frame in frames[start]]
        groups = _series(poses, intrinsics_px).with_noise()
        px, depth, root = (tuned(values, noise, times_s[start]) for values, noise in groups)
        tracks.append(_Track(id, first, stop, (px, depth, root)))
    return tracks


def can_smooth(frames: Sequence[Frame]) -> bool:
    """Tell whether anybody was seen in enough frames, near enough in time, for ``smoothed`` to change anything."""
    return next(_stretches(frames, np.array([frame.time_s for frame in frames])), None) is not None


def _stretches(frames: Sequence[Frame], times_s: Float[np.ndarray, " T"]) -> Iterator[tuple[int, int, int]]:
    """Everybody's stretches without a long gap that are long enough to be smoothed: id, first frame, one behind."""
    seen: dict[int, array[int]] = {}
    for at, frame in enumerate(frames):
        for person in frame.people:
            seen.setdefault(person.id, array("q")).append(at)
    for id, places in sorted(seen.items()):
        there = np.array(places)
        for part in np.split(there, np.flatnonzero(np.diff(times_s[there]) > LONGEST_GAP_S) + 1):
            if len(part) >= FEWEST:
                yield id, int(part[0]), int(part[-1]) + 1


def _series(track: list[PersonPose | None], intrinsics_px: Float[np.ndarray, " 4"]) -> _Series:
    joints = next(len(person.joints_px) for person in track if person is not None)
    px = np.full((len(track), joints, 2), np.nan)
    depth, root = np.full((len(track), joints), np.nan), np.full((len(track), 1), np.nan)
    noise_px, noise_depth = np.ones_like(px), np.ones_like(depth)
    for at, person in enumerate(track):
        if person is not None:
            px[at], root[at, 0] = person.joints_px, person.root_depth_mm
            depth[at] = person.joints_cam_mm[:, 2] - person.root_depth_mm
            noise_px[at], noise_depth[at] = _noise(person, intrinsics_px)
    flat = (len(track), -1)
    return _Series(px.reshape(flat), depth, np.log(np.maximum(root, 1.0)), noise_px.reshape(flat), noise_depth)


def _smooth_track(
    track: _Track,
    poses: list[PersonPose | None],
    times_s: Float[np.ndarray, " T"],
    intrinsics_px: Float[np.ndarray, " 4"],
    root_joint: int,
) -> list[PersonPose]:
    """Smooth a part of a track."""
    groups = _series(poses, intrinsics_px).with_noise()
    mean_px, mean_depth, log_root = (
        rts(values, noise, times_s, tuning).mean for (values, noise), tuning in zip(groups, track.tunings, strict=True)
    )
    joints_px, mean_root = mean_px.reshape(len(poses), -1, 2), np.exp(log_root)
    cameras = np.broadcast_to(intrinsics_px, (len(poses), 4))
    mm = back_project(joints_px, mean_depth - mean_depth[:, [root_joint]] + mean_root, cameras)
    return [_with(track.id, before, joints_px[at], mm[at], float(mean_root[at, 0])) for at, before in enumerate(poses)]


def _with(
    id: int,
    before: PersonPose | None,
    joints_px: Float[np.ndarray, "J 2"],
    joints_cam_mm: Float[np.ndarray, "J 3"],
    root_depth_mm: float,
) -> PersonPose:
    """Put a smoothed pose in place of that of a frame, or a new one where there is none."""
    if before is not None:
        return replace(
            before, joints_px=joints_px, joints_cam_mm=joints_cam_mm, root_depth_mm=root_depth_mm,
            second_mode_cam_mm=before.second_mode_at(root_depth_mm),
        )  # fmt: skip
    center, side = square_box(joints_px)
    box = Box(float(center[0] - side / 2), float(center[1] - side / 2), float(side))
    return PersonPose(id, box, joints_px, joints_cam_mm, root_depth_mm, box_from="tracked", observed=False)


def _noise(
    person: PersonPose, intrinsics_px: Float[np.ndarray, " 4"]
) -> tuple[Float[np.ndarray, "J 2"], Float[np.ndarray, " J"]]:
    """Variances of a pose's joints in the picture (px^2) and in depth (mm^2) up to one factor each; 1 where unknown."""
    if person.covariance_mm2 is None or not np.isfinite(person.covariance_mm2).all():
        return np.ones((len(person.joints_px), 2)), np.ones(len(person.joints_px))
    variance = np.maximum(np.diagonal(person.covariance_mm2, axis1=1, axis2=2), 1e-3)
    depth = np.maximum(person.joints_cam_mm[:, [2]], 1.0)
    return variance[:, :2] * (intrinsics_px[:2] / depth) ** 2, variance[:, 2]


def tuned(seen: Float[np.ndarray, "T N"], noise: Float[np.ndarray, "T N"], times_s: Float[np.ndarray, " T"]) -> Tuning:
    """Choose the motion of greatest likelihood for series that share one, in steps of half a decade.

    ``noise``: variances of what is seen, right up to a common factor. The first 600 frames decide.
    """
    seen, noise, times_s = seen[:_TUNED_ON], noise[:_TUNED_ON], times_s[:_TUNED_ON]
    frame_s = (float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0) or 1.0
    unit, steps = float(np.nanmedian(noise)), np.diff(times_s, prepend=times_s[0]) / frame_s
    likelihoods = _log_likelihoods(seen, noise / unit, steps, np.array(WANDER))
    return Tuning(frame_s, unit, WANDER[int(np.argmax(likelihoods))])


def rts(
    seen: Float[np.ndarray, "T N"],
    noise: Float[np.ndarray, "T N"],
    times_s: Float[np.ndarray, " T"],
    tuning: Tuning | None = None,
) -> Smoothed:
    """Smooth series that share one motion model; NaN: not seen then. ``tuning``: None finds it.

    A second pass gives outliers less weight.
    """
    tuning = tuning or tuned(seen, noise, times_s)
    steps = np.diff(times_s, prepend=times_s[0]) / tuning.frame_s
    return _two_passes(seen, noise / tuning.noise, steps, tuning.wander)


def _two_passes(
    seen: Float[np.ndarray, "T N"], noise: Float[np.ndarray, "T N"], steps: Float[np.ndarray, " T"], wander: float
) -> Smoothed:
    """Smooth once to see which frames are far off, and again with less weight on them."""
    first = _Filter(seen, noise, steps, wander)
    miss = np.abs(seen - first.smooth().mean) / np.sqrt(first.scale * noise)
    weight = np.maximum(np.nan_to_num(miss) / OUTLIER, 1.0)
    return _Filter(seen, noise * weight, steps, wander).smooth()


class _Filter:
    """A Kalman filter of N series with states (position, velocity), the noise's scale found on the way."""

    def __init__(
        self,
        seen: Float[np.ndarray, "T N"],
        noise: Float[np.ndarray, "T N"],
        steps: Float[np.ndarray, " T"],
        rate: float,
    ) -> None:
        length, series = seen.shape
        there = np.isfinite(seen)
        state, variance = _start(seen)
        self.steps, self.states, self.variances = steps, np.empty((length, 2, series)), np.empty((length, 2, 2, series))
        self.expected, self.expected_variances = np.empty_like(self.states), np.empty_like(self.variances)
        squares = 0.0
        for at in range(length):
            state, variance = _ahead(state, variance, steps[at], rate)
            self.expected[at], self.expected_variances[at] = state, variance
            state, variance, miss, total = _corrected(state, variance, seen[at], there[at], noise[at])
            squares += (miss**2 / total).sum()
            self.states[at], self.variances[at] = state, variance
        self.scale = max(squares / max(int(there.sum()), 1), 1e-12)

    def smooth(self) -> Smoothed:
        """Go back from the last frame."""
        states, variances = self.states.copy(), self.variances.copy()
        for at in range(len(states) - 2, -1, -1):
            move = np.array([[1.0, self.steps[at + 1]], [0.0, 1.0]])
            moved = np.einsum("ijn,kj->ikn", self.variances[at], move)  # covariance of now and next
            gain = np.einsum("ijn,jkn->ikn", moved, _inverse(self.expected_variances[at + 1]))
            states[at] += np.einsum("ijn,jn->in", gain, states[at + 1] - self.expected[at + 1])
            change = variances[at + 1] - self.expected_variances[at + 1]
            variances[at] += np.einsum("ijn,jkn,lkn->iln", gain, change, gain)
        return Smoothed(states[:, 0], np.maximum(variances[:, 0, 0], 0) * self.scale)


def _log_likelihoods(
    seen: Float[np.ndarray, "T N"],
    noise: Float[np.ndarray, "T N"],
    steps: Float[np.ndarray, " T"],
    rates: Float[np.ndarray, " R"],
) -> Float[np.ndarray, " R"]:
    """Log-likelihoods of filters of several rates, all in one pass; the noise's scale is each one's best."""
    there, rate = np.isfinite(seen), rates[:, None]
    state, variance = (np.repeat(each[..., None, :], len(rates), -2) for each in _start(seen))
    squares, logs = np.zeros(len(rates)), np.zeros(len(rates))
    for at in range(len(seen)):
        state, variance = _ahead(state, variance, steps[at], rate)
        state, variance, miss, total = _corrected(state, variance, seen[at], there[at], noise[at])
        squares += (miss**2 / total).sum(-1)
        logs += np.where(there[at], np.log(total), 0.0).sum(-1)
    count = int(there.sum())
    return -0.5 * (count * np.log(np.maximum(squares / max(count, 1), 1e-12)) + logs)


def _start(seen: Float[np.ndarray, "T N"]) -> tuple[Float[np.ndarray, "2 N"], Float[np.ndarray, "2 2 N"]]:
    """State and variance before the first frame: at rest where each series is seen first."""
    series, there = seen.shape[1], np.isfinite(seen)
    place = seen[np.argmax(there, axis=0), np.arange(series)]
    variance = np.zeros((2, 2, series))
    variance[0, 0], variance[1, 1] = 1e2, 1e2  # in noise: wide
    return np.stack([np.where(np.isfinite(place), place, 0.0), np.zeros(series)]), variance


def _ahead(
    state: Float[np.ndarray, "2 *R N"], variance: Float[np.ndarray, "2 2 *R N"], step: float, rate: float | np.ndarray
) -> tuple[Float[np.ndarray, "2 *R N"], Float[np.ndarray, "2 2 *R N"]]:
    """One step of constant velocity, whose white acceleration has the intensity ``rate``."""
    new = np.empty_like(variance)
    new[0, 0] = variance[0, 0] + 2 * step * variance[0, 1] + step**2 * variance[1, 1] + rate * step**3 / 3
    new[0, 1] = new[1, 0] = variance[0, 1] + step * variance[1, 1] + rate * step**2 / 2
    new[1, 1] = variance[1, 1] + rate * step
    return np.stack([state[0] + step * state[1], state[1]]), new


def _corrected(
    state: np.ndarray, variance: np.ndarray, seen: np.ndarray, there: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """State and variance after a frame has been looked at; how far off it was, and the variance of that."""
    total = variance[0, 0] + noise
    miss = np.where(there, seen - state[0], 0.0)
    gain = np.where(there, variance[:, 0] / total, 0.0)
    return state + gain * miss, variance - gain[:, None] * variance[None, 0], miss, total


def _inverse(matrix: Float[np.ndarray, "2 2 N"]) -> Float[np.ndarray, "2 2 N"]:
    (a, b), (c, d) = matrix
    return np.array([[d, -b], [-c, a]]) / np.maximum(a * d - b * c, 1e-300)
