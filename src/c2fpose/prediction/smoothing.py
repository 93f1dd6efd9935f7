"""Poses smoothed along time in two passes: a Kalman filter forwards, Rauch-Tung-Striebel's smoother back.

What is smoothed is what the network says: joints in the picture, their depths from the root (the pelvis), and the
root's own depth, which is by far the noisiest. Each moves at a velocity that wanders; how much of what is seen is
noise, the track says itself (maximum likelihood). Where joints have covariances, they weigh the frames. Missing frames
are filled.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

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


def smoothed(frames: list[Frame], intrinsics_px: Float[np.ndarray, " 4"], root: int = ROOT) -> list[Frame]:
    """Smooth every person's track and fill its gaps of up to half a second with poses that are not ``observed``.

    ``root``: which joint depths count from. Joints in mm and px stay each other's projections. Frames stay as they are
    otherwise.
    """
    times_s = np.array([frame.time_s for frame in frames])
    people: list[dict[int, PersonPose]] = [{person.id: person for person in frame.people} for frame in frames]
    for id in sorted({id for each in people for id in each}):
        there = np.array([id in each for each in people])
        for first, stop in _stretches(there, times_s):
            track = [people[at].get(id) for at in range(first, stop)]
            if sum(person is not None for person in track) >= FEWEST:
                for at, person in enumerate(_smooth_track(track, times_s[first:stop], intrinsics_px, root), first):
                    people[at][id] = person
    return [
        replace(frame, people=tuple(each[id] for id in sorted(each)))
        for frame, each in zip(frames, people, strict=True)
    ]


def _stretches(there: Bool[np.ndarray, " T"], times_s: Float[np.ndarray, " T"]) -> list[tuple[int, int]]:
    """First and last-but-one frames of the stretches without a long gap."""
    seen = np.flatnonzero(there)
    breaks = np.flatnonzero(np.diff(times_s[seen]) > LONGEST_GAP_S)
    starts, ends = [0, *(breaks + 1)], [*breaks, len(seen) - 1]
    return [(int(seen[a]), int(seen[b]) + 1) for a, b in zip(starts, ends, strict=True)] if len(seen) else []


def _smooth_track(
    track: list[PersonPose | None],
    times_s: Float[np.ndarray, " T"],
    intrinsics_px: Float[np.ndarray, " 4"],
    root_joint: int,
) -> list[PersonPose]:
    seen = np.array([person is not None for person in track])
    joints = next(len(person.joints_px) for person in track if person is not None)
    px = np.full((len(track), joints, 2), np.nan)
    depth, root = np.full((len(track), joints), np.nan), np.full((len(track), 1), np.nan)
    noise_px, noise_depth = np.ones_like(px), np.ones_like(depth)
    for at, person in enumerate(track):
        if person is not None:
            px[at], root[at, 0] = person.joints_px, person.root_depth_mm
            depth[at] = person.joints_cam_mm[:, 2] - person.root_depth_mm
            noise_px[at], noise_depth[at] = _noise(person, intrinsics_px)
    flat = px.reshape(len(track), -1)
    mean_px = rts(flat, noise_px.reshape(flat.shape), times_s).mean.reshape(px.shape)
    mean_depth = rts(depth, noise_depth, times_s).mean
    # The distance is what limbs of mean length say; its logarithm has the same noise near and far.
    mean_root = np.exp(rts(np.log(np.maximum(root, 1.0)), np.ones_like(root), times_s).mean)
    cameras = np.broadcast_to(intrinsics_px, (len(track), 4))
    mm = back_project(mean_px, mean_depth - mean_depth[:, [root_joint]] + mean_root, cameras)
    return [_with(track, at, mean_px[at], mm[at], float(mean_root[at, 0]), bool(seen[at])) for at in range(len(track))]


def _with(
    track: list[PersonPose | None],
    at: int,
    joints_px: Float[np.ndarray, "J 2"],
    joints_cam_mm: Float[np.ndarray, "J 3"],
    root_depth_mm: float,
    seen: bool,
) -> PersonPose:
    """Put a smoothed pose in place of that of a frame, or a new one where there is none."""
    before = track[at]
    if seen and before is not None:
        return replace(before, joints_px=joints_px, joints_cam_mm=joints_cam_mm, root_depth_mm=root_depth_mm)
    center, side = square_box(joints_px)
    box = Box(float(center[0] - side / 2), float(center[1] - side / 2), float(side))
    id = next(person.id for person in track if person is not None)
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


def rts(seen: Float[np.ndarray, "T N"], noise: Float[np.ndarray, "T N"], times_s: Float[np.ndarray, " T"]) -> Smoothed:
    """Smooth series that share one motion model; NaN: not seen then.

    ``noise``: variances of what is seen, right up to a common factor. That factor and the wandering of the velocities
    are those of greatest likelihood, in steps of half a decade. A second pass gives outliers less weight. Long series
    are done block by block, so that an hour needs no more memory than a few minutes.
    """
    steps = np.diff(times_s, prepend=times_s[0])
    frame = np.median(steps[1:]) if len(steps) > 1 else 1.0
    steps = steps / (frame or 1.0)
    noise = noise / np.nanmedian(noise)
    short = slice(0, _TUNED_ON)
    wander = max(WANDER, key=lambda rate: _Filter(seen[short], noise[short], steps[short], rate).log_likelihood)
    mean, variance = np.empty_like(seen), np.empty_like(seen)
    for first in range(0, len(seen), _BLOCK):
        low, high = max(first - _BESIDE, 0), min(first + _BLOCK + _BESIDE, len(seen))
        block = _two_passes(seen[low:high], noise[low:high], steps[low:high], wander)
        stop = min(first + _BLOCK, len(seen))
        mean[first:stop] = block.mean[first - low : stop - low]
        variance[first:stop] = block.variance[first - low : stop - low]
    return Smoothed(mean, variance)


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
        filled = np.where(there, seen, 0.0)
        first = np.argmax(there, axis=0)
        state = np.stack([filled[first, np.arange(series)], np.zeros(series)])
        variance = np.zeros((2, 2, series))
        variance[0, 0], variance[1, 1] = 1e2, 1e2  # in noise: wide
        self.steps, self.states, self.variances = steps, np.empty((length, 2, series)), np.empty((length, 2, 2, series))
        self.expected, self.expected_variances = np.empty_like(self.states), np.empty_like(self.variances)
        squares, logs, count = 0.0, 0.0, 0
        for at in range(length):
            state, variance = _ahead(state, variance, steps[at], rate)
            self.expected[at], self.expected_variances[at] = state, variance
            known = there[at]
            total = variance[0, 0] + noise[at]
            miss = np.where(known, filled[at] - state[0], 0.0)
            squares += (miss**2 / total).sum()
            logs += np.log(total[known]).sum()
            count += int(known.sum())
            gain = np.where(known, variance[:, 0] / total, 0.0)
            state = state + gain * miss
            variance = variance - gain[:, None] * variance[None, 0]
            self.states[at], self.variances[at] = state, variance
        self.scale = max(squares / max(count, 1), 1e-12)
        self.log_likelihood = -0.5 * (count * np.log(self.scale) + logs)

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


def _ahead(
    state: Float[np.ndarray, "2 N"], variance: Float[np.ndarray, "2 2 N"], step: float, rate: float
) -> tuple[Float[np.ndarray, "2 N"], Float[np.ndarray, "2 2 N"]]:
    """One step of constant velocity, whose white acceleration has the intensity ``rate``."""
    new = np.empty_like(variance)
    new[0, 0] = variance[0, 0] + 2 * step * variance[0, 1] + step**2 * variance[1, 1] + rate * step**3 / 3
    new[0, 1] = new[1, 0] = variance[0, 1] + step * variance[1, 1] + rate * step**2 / 2
    new[1, 1] = variance[1, 1] + rate * step
    return np.stack([state[0] + step * state[1], state[1]]), new


def _inverse(matrix: Float[np.ndarray, "2 2 N"]) -> Float[np.ndarray, "2 2 N"]:
    (a, b), (c, d) = matrix
    return np.array([[d, -b], [-c, a]]) / np.maximum(a * d - b * c, 1e-300)
