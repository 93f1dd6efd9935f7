"""Keyed tracks and smooth random processes: values at any time, without a pass over the whole sequence.

A track holds a value until a move starts, goes to the next value by the minimum-jerk profile, and holds that one.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


def minimum_jerk(u: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
    """From 0 to 1 with zero speed and acceleration at both ends (Flash and Hogan, 1985)."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


def bump(u: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
    """Rises from 0 to 1 at u = 0.5 and falls to 0 again; two continuous derivatives."""
    u = np.clip(u, 0.0, 1.0)
    return 64.0 * (u * (1.0 - u)) ** 3


@dataclass(frozen=True)
class Track:
    """Keyed values: key k is reached at ``end_s[k]`` by a move that starts at ``start_s[k]``; key 0 holds before."""

    start_s: Float[np.ndarray, "K"]
    end_s: Float[np.ndarray, "K"]
    values: Float[np.ndarray, "K C"]

    def keys_at(
        self, time_s: Float[np.ndarray, "F"]
    ) -> tuple[Int[np.ndarray, "F"], Int[np.ndarray, "F"], Float[np.ndarray, "F"]]:
        """Last key left behind, the key approached, and the way gone between them (0 to 1, minimum jerk)."""
        after = np.maximum(np.searchsorted(self.start_s, time_s, side="right") - 1, 0)
        before = np.maximum(after - 1, 0)
        start, end = self.start_s[after], self.end_s[after]
        return before, after, minimum_jerk((time_s - start) / np.maximum(end - start, 1e-6))

    def at(self, time_s: Float[np.ndarray, "F"]) -> Float[np.ndarray, "F C"]:
        """Values at the given times, seconds."""
        before, after, way = self.keys_at(time_s)
        first = self.values[before]
        return first + way[:, None] * (self.values[after] - first)


class TrackBuilder:
    """Collects keys in order of time; a move that would start before the last one ended starts when it ends."""

    def __init__(self, value) -> None:
        self.start_s, self.end_s, self.values = [-9.0], [-8.0], [np.asarray(value, dtype=float)]

    @property
    def last(self) -> Float[np.ndarray, "C"]:
        """The value that the last move leads to."""
        return self.values[-1]

    @property
    def free_s(self) -> float:
        """When the last move ends."""
        return self.end_s[-1]

    def move(self, start_s: float, duration_s: float, value) -> float:
        """Add a move; returns its end, seconds."""
        start_s = max(start_s, self.end_s[-1])
        self.start_s.append(start_s)
        self.end_s.append(start_s + duration_s)
        self.values.append(np.asarray(value, dtype=float))
        return self.end_s[-1]

    def build(self) -> Track:
        """Give the track that has been collected."""
        return Track(np.array(self.start_s), np.array(self.end_s), np.array(self.values))


@dataclass(frozen=True)
class SmoothNoise:
    """A band-limited random process a channel: a sum of sinusoids of random frequency and phase, unit variance."""

    omega_rad_s: Float[np.ndarray, "C K"]
    phase_rad: Float[np.ndarray, "C K"]

    @classmethod
    def draw(cls, rng: np.random.Generator, channels: int, low_hz: float = 0.04, high_hz: float = 0.6) -> "SmoothNoise":
        """Frequencies uniform in their logarithm."""
        frequency = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), (channels, 5)))
        return cls(2 * np.pi * frequency, rng.uniform(0, 2 * np.pi, (channels, 5)))

    def at(self, time_s: Float[np.ndarray, "F"]) -> Float[np.ndarray, "F C"]:
        """Values at the given times, seconds."""
        waves = np.sin(self.omega_rad_s * time_s[:, None, None] + self.phase_rad)
        return waves.sum(-1) * np.sqrt(2.0 / self.omega_rad_s.shape[1])
