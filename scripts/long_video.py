"""Memory of ``predict`` over a long video, simulated: a short clip's frames again and again, through the same pipeline.

    python scripts/long_video.py [MINUTES]      60 by default, at 25 frames a second

The network and the reading of its volumes are replaced by one look that it has had, so that an hour's frames take
minutes. Decoding, following, smoothing and the writing of JSON and CSV are the command's own. Prints the process's
memory on the way.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from rich.progress import Progress
from usage import say_how

from c2fpose.predict import read_words
from c2fpose.prediction import people, run
from c2fpose.prediction.inputs import Input
from c2fpose.prediction.video import Video, VideoFrame

FPS, CLIP_FRAMES, SIDE_PX = 25, 50, 96
SAMPLES = 6


def resident_mb() -> float:
    """The memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * 4096 / 1e6


class Repeated(Video):
    """A video that begins again when it is over, until ``wanted`` frames were given."""

    wanted = 0

    def frames(self) -> Iterator[VideoFrame]:
        every, index = max(1, self.wanted // SAMPLES), 0
        while index < self.wanted:
            for frame in super().frames():
                if index >= self.wanted:
                    break
                if index % every == 0:
                    print(f"{index:7d} frames, {index / FPS / 60:5.1f} min: {resident_mb():6.0f} MB", flush=True)
                yield VideoFrame(index, index / FPS, frame.image)
                index += 1
        print(f"{index:7d} frames, {index / FPS / 60:5.1f} min: {resident_mb():6.0f} MB", flush=True)


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    Repeated.wanted = round(60 * FPS * minutes)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.avi"
        writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), FPS, (SIDE_PX, SIDE_PX))
        random = np.random.default_rng(0)
        for _ in range(CLIP_FRAMES):
            writer.write(random.integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8))
        writer.release()
        job = run.PredictJob(read_words([str(clip), "person=whole", f"out={folder}", "formats=[json,csv]"]))
        looked_at, looks = people._looked_at, {}

        def once(predictor, crops, calibration):
            if crops.shape not in looks:
                looks[crops.shape] = looked_at(predictor, crops, calibration)
            return looks[crops.shape]

        people._looked_at = once
        run.Video = Repeated
        with Progress(disable=True) as progress:
            job.done(Input(clip, "video"), progress)
        sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.0f} MB" for path in Path(folder).glob("clip_pose*"))
        print(f"written ({sizes}): {resident_mb():.0f} MB, the most {peak_mb():.0f} MB")


def peak_mb() -> float:
    """The most memory that this process has held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


if __name__ == "__main__":
    say_how(__doc__)
    main()
