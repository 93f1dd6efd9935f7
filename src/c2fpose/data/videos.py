"""Which files are videos, and how they are opened: in data of one's own as in prediction."""

import os
from pathlib import Path

import cv2

VIDEO_ENDINGS = (
    ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".ts", ".mts", ".m2ts", ".ogv", ".3gp",
    ".flv", ".vob",
)  # fmt: skip


def is_video(path: str | Path) -> bool:
    """Say whether a file is a video, by its ending."""
    return Path(path).suffix.lower() in VIDEO_ENDINGS


def open_video(path: str | Path) -> cv2.VideoCapture:
    """Open a video for its frames, upright; whether there are some, ``isOpened`` and ``read`` tell."""
    # of a relative path, what stands before a colon would be taken for a protocol
    return cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG)
