"""The figures of docs/predict.md and docs/finder.md.

    python scripts/predict_figures.py photos FOLDER CKPT [--power P] [--least-score S]
                                                                      finder and second look on whole photographs
    python scripts/predict_figures.py video CKPT [--power P]          smoothed sequences of synth36: jitter, lag, error
    python scripts/predict_figures.py speed CKPT [PHOTO] [--px SIDE]  start-up, a photograph, a video

FOLDER/people.json lists people: ``image``, ``box`` (x, y, side in px) and ``joints_px`` by name. CKPT is a checkpoint
or ``builtin``; ``--power`` and ``--least-score`` are ``predict``'s keys; ``--px`` takes it as if trained on crops of
this side: the weights fit, the poses mean nothing. Nothing is written.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from c2fpose.data.synth36.cameras import subject_cameras
from c2fpose.data.synth36.sequence import open_sequence
from c2fpose.model.checkpoints.builtin import checkpoint_path
from c2fpose.model.checkpoints.formats import save_checkpoint
from c2fpose.model.checkpoints.saved import load_network
from c2fpose.pose.protocol import ACTIONS
from c2fpose.pose.skeleton import JOINTS, ROOT
from c2fpose.prediction.engines import Predictor, load_predictor
from c2fpose.prediction.finder.judge import find_people
from c2fpose.prediction.finder.weights import load_finder
from c2fpose.prediction.focal import camera_of
from c2fpose.prediction.follow import FollowFound
from c2fpose.prediction.people import Seen, poses_in, second_looks, seen_of, without_doubles
from c2fpose.prediction.person_box import square_box
from c2fpose.prediction.photo import Box, read_photo, whole_box
from c2fpose.prediction.reading import read_as_asked
from c2fpose.prediction.result import Frame
from c2fpose.prediction.shifts import steadied_poses
from c2fpose.prediction.sizes import sizes_for, surest_poses
from c2fpose.prediction.smoothing import smoothed
from c2fpose.prediction.video import VideoFrame
from c2fpose.prediction.viterbi import Peaks, collector, follow_volumes

ENOUGH = 0.5  # intersection over union of a box that is found
LOOKS = (1, 2, 4)  # at each box: 1 is the finder's own, a tenth wider
CLOSE = 0.1  # of the labelled box: a joint is right
SEQUENCES = ((9, "Walking"), (9, "Greeting"), (11, "Eating"), (11, "SittingDown"))
FPS, SECONDS, FRAME_PX = 25, 3, 384


def photos(folder: Path, predictor: Predictor, least_score: float | None) -> None:
    """Whole pictures in, people found out, compared with the labelled boxes and joints."""
    by_image = defaultdict(list)
    for person in json.loads((folder / "people.json").read_text()):
        by_image[person["image"]].append(person)
    finder, scores = load_finder(), defaultdict(list)
    for name, people in by_image.items():
        image = read_photo(folder / name)
        camera = camera_of(image.shape[1::-1]).intrinsics_px
        truth = [Box(*person["box"]) for person in people]
        found = seen_of(find_people(predictor, finder, image, least_score))
        looked = {count: second_looks(predictor, image, found, camera, count) for count in LOOKS}
        looks = {count: boxes for count, (boxes, _) in looked.items()}
        scores["kept"].append(len(without_doubles(looked[2][1], predictor.config.pose_space.skeleton.mirror)))
        ways = {
            "known box": truth,
        } | {
            f"{count} looks": _matched(truth, [each.box for each in boxes], scores[f"overlap, {count} looks"])
            for count, boxes in looks.items()
        }
        scores["boxes"].append(len(found))
        for way, boxes in ways.items():
            for person, box in zip(people, boxes, strict=True):
                scores[way].append(None if box is None else _error(person, box, predictor, image, camera))
    count = len(scores["known box"])
    boxes, kept = sum(scores["boxes"]), sum(scores["kept"])
    print(f"{len(by_image)} photographs, {count} labelled people, {boxes} boxes found, {kept} without doubles")
    for way in [f"{looks} looks" for looks in LOOKS]:
        values = np.array(scores[f"overlap, {way}"])
        enough = values >= ENOUGH
        print(f"  {way}: recall {enough.mean():.0%}, mean overlap of these {values[enough].mean():.2f}")
    for way in ["known box", *[f"{looks} looks" for looks in LOOKS]]:
        known = [error for error in scores[way] if error is not None]
        errors = np.concatenate(known) if known else np.empty(0)
        missing = count - len(known)
        print(
            f"  joints, {way}: {errors.mean():.1%} of the box, {np.mean(errors < CLOSE):.0%} right; {missing} not found"
        )


def _matched(truth: list[Box], found: list[Box], overlaps: list[float]) -> list[Box | None]:
    """Each labelled person's box, by largest overlap; None where nothing overlaps."""
    mine: list[Box | None] = [None] * len(truth)
    best = np.zeros(len(truth))
    if found:
        table = np.array([[one.overlap(other) for other in found] for one in truth])
        for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
            best[row] = table[row, column]
            mine[row] = found[column] if table[row, column] > 0.1 else None
    overlaps += best.tolist()
    return mine


def _error(person: dict, box: Box, predictor: Predictor, image: np.ndarray, camera: np.ndarray) -> np.ndarray:
    names = list(person["joints_px"])
    (pose,) = poses_in(predictor, image, [Seen(box, "given")], camera)
    px = pose.joints_px[[JOINTS.index(name) for name in names]]
    return np.linalg.norm(px - np.array([person["joints_px"][name] for name in names]), axis=-1) / person["box"][2]


def video(predictor: Predictor) -> None:
    """Sequences of test subjects: what smoothing does to error, shaking and lag."""
    table = defaultdict(list)
    for subject, action in SEQUENCES:
        frames, truth_mm, intrinsics_px, start = _sequence(subject, action)
        follower = FollowFound(predictor, intrinsics_px, lambda image: [], start=start)
        seen: list[Frame] = []
        peaks: dict[int, dict[Box, Peaks]] = {}
        for frame in frames:
            kept: dict[Box, Peaks] = {}
            seen.append(follower(frame, collector(kept)))
            peaks[len(seen) - 1] = kept
        path = follow_volumes(seen, peaks, intrinsics_px)
        for way, result in {
            "none": seen, "filter": smoothed(seen, intrinsics_px), "path alone": path,
            "viterbi": smoothed(path, intrinsics_px),
        }.items():  # fmt: skip
            poses = np.array([frame.people[0].joints_cam_mm for frame in result])
            table[way].append(_along_time(poses - poses[:, [ROOT]], truth_mm - truth_mm[:, [ROOT]]))
    print(f"{len(SEQUENCES)} sequences of {SECONDS} s at {FPS} frames a second; relative to the pelvis")
    print(f"{'smooth':12s} error mm  shaking mm/frame^2  lag frames")
    for way, rows in table.items():
        error, shaking, alike = (np.mean(parts, axis=0) for parts in zip(*rows, strict=True))
        print(f"{way:12s} {error:8.1f} {shaking:10.1f} {_summit(alike):18.2f}")


DELAYS = np.arange(-5, 6)  # frames


def _along_time(poses: np.ndarray, truth: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Mean joint error, mean difference of the accelerations, and how alike velocities are at each of ``DELAYS``.

    Positions would not do for a delay: an error that changes slowly with the pose moves the best one by many frames.
    """
    error = np.linalg.norm(poses - truth, axis=-1).mean()
    shaking = np.linalg.norm(np.diff(poses - truth, 2, axis=0), axis=-1).mean()
    speed, true_speed = np.diff(poses, axis=0), np.diff(truth, axis=0)
    inner, frames = DELAYS.max(), len(true_speed)
    alike = [(speed[inner : frames - inner] * true_speed[inner - d : frames - inner - d]).sum() for d in DELAYS]
    return error, shaking, np.array(alike)


def _summit(heights: np.ndarray) -> float:
    """The delay at the top of a parabola through the largest height and its neighbours, frames."""
    best = int(np.clip(np.argmax(heights), 1, len(heights) - 2))
    below, here, above = heights[best - 1 : best + 2]
    return float(DELAYS[best] + np.clip(0.5 * (below - above) / (below - 2 * here + above), -1, 1))


def _sequence(subject: int, action: str) -> tuple[list[VideoFrame], np.ndarray, np.ndarray, Box]:
    """Frames of a still camera about all of the motion, the true joints, the camera, the box in the first frame."""
    numbers = 1.0 + 50 / FPS * np.arange(SECONDS * FPS)
    sequence = open_sequence(0, subject, ACTIONS.index(action), 1, numbers)
    camera = subject_cameras(0, subject)[0]
    px = camera.to_image(sequence.joints_world_mm)
    center, side = square_box(px.reshape(-1, 2))
    side *= 1.15
    view = camera.cut(center - side / 2, float(side) / FRAME_PX)
    rng = np.random.default_rng(0)
    frames = [
        VideoFrame(at, at / FPS, sequence.picture(at, view, FRAME_PX, rng))
        for at in range(len(sequence.joints_world_mm))
    ]
    first, extent = square_box(view.to_image(sequence.joints_world_mm[0]))
    box = Box(*(first - extent / 2).tolist(), float(extent))
    return frames, view.to_camera(sequence.joints_world_mm), view.intrinsics_px, box


def speed(ckpt: str, photo: Path | None, px: int | None) -> None:
    """Least times of several: a process that only loads, one photograph after that, frames of a video."""
    code = f"import c2fpose.prediction.run as run; run.load_predictor({ckpt!r}); run.load_finder()"
    starts = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        starts.append(time.perf_counter() - start)
    print(f"start-up (imports and the network): {min(starts):.2f} s, at most {max(starts):.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        ckpt = ckpt if px is None else _of_other_size(ckpt, px, Path(folder) / "sized.ckpt")
        predictor, finder = load_predictor(ckpt), load_finder()
        through_openvino = load_predictor(ckpt, "openvino")
    image = read_photo(photo) if photo else _sequence(*SEQUENCES[0])[0][0].image
    camera = camera_of(image.shape[1::-1]).intrinsics_px
    size, people = predictor.config.network.image_size, []

    def once() -> None:
        boxes = seen_of(find_people(predictor, finder, image))[:1] or [Seen(whole_box(image), "found")]
        boxes, _ = second_looks(predictor, image, boxes, camera)
        surest = surest_poses(predictor, [image], boxes, camera[None], sizes_for(predictor, None, "found"))
        people[:] = steadied_poses(predictor, [image], surest, camera[None])

    least, usual = _times(once, 20)
    print(
        f"one photograph of {image.shape[1]} x {image.shape[0]} px, found ({len(people)}), judged, looked at twice, "
        f"in four sizes and five places, {size} px: {least:.0f} ms at best, {usual:.0f} ms in the median"
    )
    for name, engine_predictor in {"torch": predictor, "openvino": through_openvino}.items():
        frames, _, intrinsics_px, start = _sequence(*SEQUENCES[0])
        for way, found in {"box of the first frame given": lambda _: [], "found 5 times a second": None}.items():
            find = found or partial(find_people, engine_predictor, finder, often=True)
            follower = FollowFound(engine_predictor, intrinsics_px, find, start=None if found is None else start)
            begin, seen = time.perf_counter(), 0
            for frame in frames:
                seen += len(follower(frame).people)
            rate = len(frames) / (time.perf_counter() - begin)
            print(
                f"video, {size} px, {name}, {way}: {rate:.1f} frames a second, {seen / len(frames):.1f} people a frame"
            )


def _of_other_size(ckpt: str, px: int, path: Path) -> str:
    """Write a network as if it had been trained on crops of another side."""
    module = load_network(checkpoint_path(ckpt))
    config = module.config.model_dump(mode="json")
    config["network"] |= {"image_size": px, "heatmap_size": px // 4}
    save_checkpoint(path, module.state_dict(), config, dict(module.provenance))
    return str(path)


def _times(work, rounds: int) -> tuple[float, float]:
    """Least and median time of some work, in ms."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return min(times), float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in {"photos": ("folder", "ckpt"), "video": ("ckpt",), "speed": ("ckpt", "photo")}.items():
        command = commands.add_parser(name)
        for word in words:
            command.add_argument(word, nargs="?" if word == "photo" else None)
        if name == "speed":
            command.add_argument("--px", type=int)
        else:
            command.add_argument("--power", type=float)
        if name == "photos":
            command.add_argument("--least-score", type=float)
    asked = parser.parse_args()
    torch.manual_seed(0)
    if asked.command == "photos":
        photos(Path(asked.folder), read_as_asked(load_predictor(asked.ckpt), power=asked.power), asked.least_score)
    elif asked.command == "video":
        video(read_as_asked(load_predictor(asked.ckpt), power=asked.power))
    else:
        speed(asked.ckpt, asked.photo and Path(asked.photo), asked.px)


if __name__ == "__main__":
    main()
