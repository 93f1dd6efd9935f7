"""MOTChallenge's text: frame, id, left, top, width, height, confidence, ... in px, frames counted from 1.

The format leaves open what separates columns (commas; some tools write spaces), whether frames count from 0, and what
the seventh column means: a flag in ground truth (0: leave it out), a confidence in results, -1 for unknown.
"""

import re
from pathlib import Path

from c2fpose.base.errors import DataError
from c2fpose.prediction.boxes.given import BoxFile, GivenBox, number_of

PEDESTRIAN = 1  # class of ground truth, the eighth of nine columns


def looks_like(path: Path) -> bool:
    """Tell MOT from YOLO by the first line: commas, or nine or ten columns, frame and id whole, the box in px."""
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        if line.strip():
            words = _words(line)
            whole = all(re.fullmatch(r"-?\d+(\.0+)?", word) for word in words[:2])
            return "," in line or (len(words) in (9, 10) and whole and not _are_shares(words[2:6]))
    return False


def read(path: Path) -> BoxFile:
    """Read boxes with their ids; an id of -1 is none."""
    found = BoxFile(path)
    for number, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = [number_of(word) for word in _words(line)]
            frame, id, left, top, width, height = values[:6]
        except ValueError:
            raise DataError(
                f"boxes={path}: line {number}: expected frame,id,left,top,width,height,... as numbers"
            ) from None
        confidence = values[6] if len(values) > 6 else -1.0
        ground_truth = len(values) == 9
        if ground_truth and (confidence == 0 or values[7] != PEDESTRIAN):
            continue
        score = confidence if 0 <= confidence <= 1 and not ground_truth else None
        box = GivenBox(left, top, width, height, int(id) if id >= 0 else None, score)
        found.add(box, f"line {number}", number=int(frame))
    return found


def _are_shares(words: list[str]) -> bool:
    """Tell YOLO's shares of a picture, of which some are whole by chance, from pixels."""
    try:
        return max(abs(number_of(word)) for word in words) <= 2
    except ValueError:
        return False


def _words(line: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", line.strip()) if word]
