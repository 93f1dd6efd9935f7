"""What the authors' own code takes on a CPU, to set beside ours.

Torch7 with the released network, schedule 1, 2, 4, 64 at full width, float32, on two cores (AVX-512) whose largest
float32 matrix product ran at 179 GFLOP/s. Measured with the released code for this project; it cannot be run again by
this benchmark.
"""

from typing import Any

FORWARD_MS = {1: 1730.0, 4: 1650.0}  # an image, by batch size
TRAINING_MS = {1: 4870.0, 4: 5700.0}  # an image, forward and backward, by batch size
PEAK_GIB = {4: 15.5e9 / 2**30}  # in training, by batch size
MATRIX_RATE = 179.0  # GFLOP/s, float32: of the machine on which these were taken
_NETWORK = {"depths": [1, 2, 4, 64], "width": 256, "image_size": 256, "family": "stacked", "head": "volume"}


def ratios_to_original(results: dict[str, Any], ours: str, engines: list[str]) -> dict[str, float]:
    """Divide the original's times, memory by ours: for its own network, on a CPU within a fifth of that one's rate."""
    rate = results["machine"]["float32"]["most"]
    same_network = all(results["network"][key] == value for key, value in _NETWORK.items())
    if not same_network or "gpu" in results["hardware"] or not 0.8 < rate / MATRIX_RATE < 1.25:
        return {}
    found, batch = {}, results["batch"]
    if batch in TRAINING_MS:
        step_ms = results["training"][ours]["network"]["median"]
        found["training: the original's step / ours"] = TRAINING_MS[batch] * batch / step_ms
    if batch in PEAK_GIB and "training_peak_gib" in results:
        found["training: memory, ours / the original's"] = results["training_peak_gib"][ours] / PEAK_GIB[batch]
    passes = 2 if results.get("mirrored", True) else 1  # the mirror image is a second forward pass
    for name in engines:
        if "1" in results["inference_ms"][name]:
            found[f"inference, batch 1: the original / {name}"] = (
                passes * FORWARD_MS[1] / results["inference_ms"][name]["1"]["median"]
            )
    return found
