"""What OpenCV writes on standard error beside a command's own lines."""

import cv2

ERRORS, NOTHING = 2, 0  # levels, OpenCV's own numbers


def set_log_level(level: int) -> int:
    """Have OpenCV say what is at least so grave; returns the level before. OpenCV 4 and 5 name it differently."""
    calls = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    before = int(calls.getLogLevel())
    calls.setLogLevel(level)
    return before
