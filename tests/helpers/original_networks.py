"""The authors' networks written a second time, straight from their description, for tests alone.

Nothing of the package is used: functions over a flat list of layers in the order in which the authors' files hold
them, each a dictionary with ``weight`` and ``bias``, and ``running_mean`` and ``running_var`` for a normalisation.
"""

import torch
from torch.nn import functional as F


class Layers:
    """Hands the layers out one after another."""

    def __init__(self, layers) -> None:
        self.remaining = list(layers)[::-1]

    def conv(self, x, stride=1, padding=0):
        layer = self.remaining.pop()
        weight = layer["weight"].reshape(len(layer["bias"]), x.shape[1], -1)
        side = round(weight.shape[2] ** 0.5)
        return F.conv2d(x, weight.unflatten(2, (side, side)), layer["bias"], stride, padding)

    def norm_relu(self, x):
        layer = {name: value[:, None, None] for name, value in self.remaining.pop().items()}
        standard = (x - layer["running_mean"]) / torch.sqrt(layer["running_var"] + 1e-5)
        return torch.clamp_min(standard * layer["weight"] + layer["bias"], 0)

    def lin(self, x):
        return self.norm_relu(self.conv(x))

    def residual(self, x, outputs):
        y = self.conv(self.norm_relu(x))
        y = self.conv(self.norm_relu(y), padding=1)
        y = self.conv(self.norm_relu(y))
        return y + (x if x.shape[1] == outputs else self.conv(x))

    def chain(self, x, *widths):
        for width in widths:
            x = self.residual(x, width)
        return x


def double(x):
    """Each cell four times."""
    return x.repeat_interleave(2, -1).repeat_interleave(2, -2)


def halve(x):
    """The largest of four cells."""
    return torch.stack([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(0)


def hourglass(layers, x, level, width, outputs, uniform):
    upper = layers.chain(x, width, width, outputs)
    lower = layers.chain(halve(x), width, width, width)
    if level > 1:
        lower = hourglass(layers, lower, level - 1, width, outputs, uniform)
    else:
        lower = layers.chain(lower, *([outputs] * 3 if uniform else [outputs]))
    lower = layers.chain(lower, *([outputs] * 3 if uniform else [outputs]))
    return upper + double(lower)


def stem(layers, image, width, uniform):
    x = layers.norm_relu(layers.conv(image, 2, 3))
    pool = halve(layers.residual(x, width // 2))
    return layers.chain(pool, *([width // 2] * (1 if uniform else 2)), width), pool


def stacked(layers, image, width, stacks):
    """ "hg-stacked-2/3/4": all outputs."""
    x, previous = stem(layers, image, width, uniform=False)
    outputs = []
    for stack in range(stacks):
        x = hourglass(layers, x, 4, width, 2 * width, uniform=False)
        features = layers.lin(layers.lin(x))
        outputs.append(layers.conv(features))
        if stack < stacks - 1:
            x = layers.conv(torch.cat([features, previous], 1)) + layers.conv(outputs[-1])
            previous = features
    return outputs


def uniform(layers, image, width, stacks):
    """ "hg" with three residual blocks in each place: all outputs."""
    inter, _ = stem(layers, image, width, uniform=True)
    outputs = []
    for stack in range(stacks):
        x = hourglass(layers, inter, 4, width, width, uniform=True)
        features = layers.lin(layers.chain(x, *[width] * 3))
        outputs.append(layers.conv(features))
        if stack < stacks - 1:
            inter = inter + layers.conv(features) + layers.conv(outputs[-1])
    return outputs
