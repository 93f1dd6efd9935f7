"""Where a person goes on the floor: standing places with moves between them, or walks along a closed curve."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from c2fpose.data.synth36.motion.tracks import Track, minimum_jerk


@runtime_checkable
class Path(Protocol):
    """Tell where a person is on the floor and where they look, at any time."""

    def at(self, time_s: Float[np.ndarray, "F"]) -> tuple[np.ndarray, np.ndarray]:
        """Place on the floor ``(F, 2)`` mm and heading ``(F,)`` radians (continuous: it may exceed pi)."""


@dataclass(frozen=True)
class Places:
    """Standing places; both tracks move by minimum jerk."""

    place_mm: Track
    heading_rad: Track

    def at(self, time_s: Float[np.ndarray, "F"]) -> tuple[np.ndarray, np.ndarray]:
        """Give place and heading at the given times, see ``Path``."""
        return self.place_mm.at(time_s), self.heading_rad.at(time_s)[:, 0]


@dataclass(frozen=True)
class Progress:
    """Distance gone at a speed that changes by smooth ramps: the exact integral of a minimum-jerk track of speed."""

    start_s: Float[np.ndarray, "K"]
    end_s: Float[np.ndarray, "K"]
    speed: Float[np.ndarray, "K"]

    def at(self, time_s: Float[np.ndarray, "F"]) -> Float[np.ndarray, "F"]:
        """Give the distance gone at the given times, mm."""
        total = self.speed[0] * time_s
        for start, end, step in zip(self.start_s[1:], self.end_s[1:], np.diff(self.speed), strict=True):
            u = np.clip((time_s - start) / (end - start), 0.0, 1.0)
            ramp = u**4 * (2.5 + u * (u - 3.0)) * (end - start)
            total = total + step * (ramp + np.maximum(time_s - end, 0.0))
        return total


@dataclass(frozen=True)
class Loop:
    """A walk round a closed curve: an ellipse or a figure of eight, bent by a second harmonic."""

    progress: Progress
    centre_mm: Float[np.ndarray, "2"]
    radii_mm: Float[np.ndarray, "2"]
    turn_rad: float
    phase_rad: float
    way_round: float  # 1 to the left, -1 to the right
    eight: bool
    bend_mm: float = 0.0

    def _curve(self, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points and tangents at curve phases."""
        a, b = self.radii_mm
        c, s = np.cos(phase), np.sin(phase)
        c2, s2 = np.cos(2 * phase), np.sin(2 * phase)
        if self.eight:
            point, tangent = np.stack([a * s, 0.5 * b * s2], -1), np.stack([a * c, b * c2], -1)
        else:
            point = np.stack([a * c + self.bend_mm * c2, b * s], -1)
            tangent = np.stack([-a * s - 2 * self.bend_mm * s2, b * c], -1)
        turn = np.array(
            [[np.cos(self.turn_rad), np.sin(self.turn_rad)], [-np.sin(self.turn_rad), np.cos(self.turn_rad)]]
        )
        return self.centre_mm + point @ turn, self.way_round * tangent @ turn

    def at(self, time_s: Float[np.ndarray, "F"]) -> tuple[np.ndarray, np.ndarray]:
        """Give place and heading at the given times, see ``Path``."""
        phase = self.phase_rad + self.way_round * self.progress.at(time_s) / self.radii_mm.mean()
        point, tangent = self._curve(phase)
        heading = np.arctan2(tangent[:, 1], tangent[:, 0])
        # Made continuous by the curve's own unwrapped heading: its value at this phase says which turn we are on.
        grid = np.linspace(0.0, 2 * np.pi, 129)
        _, along = self._curve(grid)
        unwrapped = np.unwrap(np.arctan2(along[:, 1], along[:, 0]))
        laps = np.floor(phase / (2 * np.pi))
        near = np.interp(phase - laps * 2 * np.pi, grid, unwrapped) + laps * (unwrapped[-1] - unwrapped[0])
        return point, heading + 2 * np.pi * np.round((near - heading) / (2 * np.pi))


@dataclass(frozen=True)
class Stepping:
    """A stretch of time in which the feet step in turn: ``count`` steps of equal length, first foot 0 or 1."""

    start_s: float
    end_s: float
    count: int
    first_side: int

    @property
    def step_s(self) -> float:
        """Length of one step, seconds."""
        return (self.end_s - self.start_s) / self.count


def stepping_phase(steppings: list[Stepping], time_s: Float[np.ndarray, "F"]) -> tuple[np.ndarray, np.ndarray]:
    """Gait phase in half turns (the left foot lands at even numbers) and how much of a gait there is (0 to 1)."""
    phase, amount = np.zeros_like(time_s), np.zeros_like(time_s)
    for s in steppings:
        inside = (time_s >= s.start_s) & (time_s <= s.end_s)
        if not inside.any():
            continue
        t = time_s[inside]
        ramp = min(2.0 * s.step_s, 0.5 * (s.end_s - s.start_s))
        phase[inside] = (t - s.start_s) / s.step_s - 1.0 + s.first_side
        amount[inside] = minimum_jerk((t - s.start_s) / ramp) * minimum_jerk((s.end_s - t) / ramp)
    return phase, amount
