"""The best path of each joint through the volumes of a video's frames.

A volume often has two peaks: left and right exchanged, an arm in front or behind. Frame by frame the higher one wins,
and the joint jumps. Viterbi's algorithm weighs all peaks of all frames at once: how high they are, and how far a joint
would have to move from frame to frame. Only volumes can do this; a point is one answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from c2fpose.model.volumes.decoding import unravel
from c2fpose.model.volumes.points import from_points
from c2fpose.pose.camera import back_project, root_depth_mm
from c2fpose.pose.space import PAPER, PoseSpace
from c2fpose.pose.to_millimetres import box_to_frame_px
from c2fpose.prediction.people import ROOT_DEPTH_RULE
from c2fpose.prediction.photo import Box
from c2fpose.prediction.result import Frame, PersonPose
from c2fpose.prediction.smoothing import LONGEST_GAP_S

PEAKS = 6  # of a joint's volume that are kept
LEAST = 0.05  # of the highest peak: what is lower is background
SPEED_MM_S = 1500.0  # standard deviation of a joint's speed: a wrist in quick motion has it
JITTER_MM = 25.0  # standard deviation of a peak's place about the joint
SENTENCE = "best path of each joint through the peaks of all frames' volumes (Viterbi)"


class Peaks(NamedTuple):
    """The peaks of one person's volumes in one frame, the highest first; fewer than six: weight 0."""

    points: Float[np.ndarray, "J K 3"]  # as ``volumes.decoding.decode`` gives them
    weight: Float[np.ndarray, "J K"]  # height over that of the highest, 0..1


def collector(into: dict[Box, Peaks]) -> Callable[[Tensor, list[Box]], None]:
    """Make a receiver of volumes (``people.Volumes``) that keeps their peaks by the box that they are of."""

    def receive(volume: Tensor, boxes: list[Box]) -> None:
        points, weight = peaks_of(volume)
        for at, box in enumerate(boxes):
            into[box] = Peaks(points[at], weight[at])

    return receive


def peaks_of(volume: Float[Tensor, "B J D H W"]) -> tuple[Float[np.ndarray, "B J K 3"], Float[np.ndarray, "B J K"]]:
    """Find the highest local maxima of each volume: their points, between voxels by Gaussians through three of
    them along each axis (as ``decode`` does), and heights over that of the highest."""
    volume = volume.float().cpu().clamp_min(0)
    flat = torch.where(volume == F.max_pool3d(volume, 3, 1, 1), volume, 0.0).flatten(2)
    height, index = flat.topk(min(4 * PEAKS, flat.shape[-1]), dim=-1)
    shape = torch.tensor(volume.shape[2:])
    # Of equal neighbours, which a joint between voxels has, the first alone is a peak
    place = unravel(index, volume.shape[2:])
    beside = (place[..., :, None, :] - place[..., None, :, :]).abs().amax(-1) <= 1
    height, chosen = torch.where(beside.tril(-1).any(-1), 0.0, height).topk(PEAKS, dim=-1)
    place = unravel(index.gather(-1, chosen), volume.shape[2:])
    padded = F.pad(volume, (1,) * 6).clamp_min(1e-8).log()
    b, j = torch.arange(len(volume))[:, None, None], torch.arange(volume.shape[1])[None, :, None]
    here = padded[(b, j, *(place + 1).unbind(-1))]
    shifts = []
    for axis in range(3):
        step = torch.eye(3, dtype=torch.long)[axis]
        below, above = (padded[(b, j, *(place + 1 + side * step).unbind(-1))] for side in (-1, 1))
        curvature = 2 * here - below - above
        inside = (place[..., axis] > 0) & (place[..., axis] < shape[axis] - 1) & (curvature > 1e-6)
        shifts.append(torch.where(inside, (0.5 * (above - below) / curvature.clamp_min(1e-6)).clamp(-0.5, 0.5), 0.0))
    shift = torch.stack(shifts, -1)
    points = ((place + 0.5 + shift) / shape).flip(-1)
    weight = height / height[..., :1].clamp_min(1e-12)
    return points.float().numpy(), torch.where(weight >= LEAST, weight, 0.0).float().numpy()  # many are kept


def best_path(
    places_mm: Float[np.ndarray, "T K 3"], weight: Float[np.ndarray, "T K"], times_s: Float[np.ndarray, " T"]
) -> Int[np.ndarray, " T"]:
    """Choose a peak in each frame so that the product of their weights and of the steps' likelihoods is the highest.

    A step's likelihood is a Gaussian of its length; its spread grows with the time between the frames. A frame without
    any peak is stepped over.
    """
    known = np.flatnonzero(weight.any(1))
    if len(known) < len(weight):
        path = np.zeros(len(weight), np.int64)
        if len(known):
            path[known] = best_path(places_mm[known], weight[known], times_s[known])
        return path
    with np.errstate(divide="ignore"):
        chance = np.log(weight)
    total = chance[0]
    back = np.zeros(weight.shape, np.int64)
    for at in range(1, len(weight)):
        spread = 2 * JITTER_MM**2 + (SPEED_MM_S * (times_s[at] - times_s[at - 1])) ** 2
        step = ((places_mm[at][:, None] - places_mm[at - 1][None]) ** 2).sum(-1)
        through = total[None] - step / (2 * spread)
        back[at] = through.argmax(1)
        total = chance[at] + through.max(1)
    path = np.empty(len(weight), np.int64)
    path[-1] = total.argmax()
    for at in range(len(weight) - 1, 0, -1):
        path[at - 1] = back[at, path[at]]
    return path


def follow_volumes(
    frames: Sequence[Frame],
    peaks: Mapping[int, dict[Box, Peaks]],
    intrinsics_px: Float[np.ndarray, " 4"],
    space: PoseSpace = PAPER,
) -> list[Frame]:
    """Read every person's joints again, along the best path through the volumes of the frames.

    ``peaks``: by the frame's place among ``frames``, and by the person's box. Who has none stays as is; so do joints
    without any peak.
    """
    people: list[dict[int, PersonPose]] = [{person.id: person for person in frame.people} for frame in frames]
    for id in sorted({id for each in people for id in each}):
        at = [n for n, each in enumerate(people) if id in each and each[id].box in peaks.get(n, {})]
        times_s = np.array([frames[n].time_s for n in at])
        for part in np.split(np.arange(len(at)), np.flatnonzero(np.diff(times_s) > LONGEST_GAP_S) + 1):
            if len(part):
                stretch = [at[n] for n in part]
                track = [people[n][id] for n in stretch]
                mine = [peaks[n][person.box] for n, person in zip(stretch, track, strict=True)]
                for n, person in zip(stretch, _along(track, mine, times_s[part], intrinsics_px, space), strict=True):
                    people[n][id] = person
    return [
        replace(frame, people=tuple(each[person.id] for person in frame.people))
        for frame, each in zip(frames, people, strict=True)
    ]


def _along(
    track: list[PersonPose],
    peaks: list[Peaks],
    times_s: Float[np.ndarray, " T"],
    intrinsics_px: Float[np.ndarray, " 4"],
    space: PoseSpace,
) -> list[PersonPose]:
    box, depth_mm = from_points(torch.from_numpy(np.stack([each.points for each in peaks]).astype(np.float64)), space)
    left_top, side = np.array([each.box[:2] for each in track]), np.array([each.box.side for each in track])
    shape = box.shape  # T J K 2
    px = box_to_frame_px(box.numpy().reshape(shape[0], -1, 2), left_top, side).reshape(shape)
    # Millimetres at the median distance: the root's depth jumps from frame to frame, and would be taken for motion.
    scale = np.median([abs(person.root_depth_mm) for person in track]) / intrinsics_px[:2]
    places_mm = np.concatenate([px * scale, depth_mm.numpy()[..., None]], -1)
    weight = np.stack([each.weight for each in peaks])
    path = np.stack([best_path(places_mm[:, j], weight[:, j], times_s) for j in range(space.skeleton.joints)], 1)
    at, joints = np.arange(len(track))[:, None], np.arange(space.skeleton.joints)
    # The first peak without any weight is an empty volume's: there the joint stays where it was
    known = weight[at, joints, path] > 0
    joints_px = np.where(known[..., None], px[at, joints, path], np.stack([each.joints_px for each in track]))
    before = np.stack([each.joints_cam_mm[:, 2] - each.root_depth_mm for each in track])
    relative = np.where(known, depth_mm.numpy()[at, joints, path], before)
    cameras = np.broadcast_to(intrinsics_px, (len(track), 4))
    root_mm = root_depth_mm(ROOT_DEPTH_RULE, joints_px, relative, cameras, space=space)
    mm = back_project(joints_px, relative + root_mm[:, None], cameras)
    return [
        replace(
            person,
            joints_px=joints_px[n],
            joints_cam_mm=mm[n],
            root_depth_mm=float(root_mm[n]),
            second_mode_cam_mm=person.second_mode_at(float(root_mm[n])),
        )
        for n, person in enumerate(track)
    ]
