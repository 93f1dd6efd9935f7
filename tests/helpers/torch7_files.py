"""Writing Torch7's binary format, for tests alone: networks of other shapes than the stored ones, and damaged files."""

import io
import struct
from pathlib import Path

import numpy as np
from torch import nn

from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.model.networks.hourglass import Hourglass, Lin, Residual, Stem

TENSORS = {np.dtype(np.float32): "Float", np.dtype(np.float64): "Double", np.dtype(np.int64): "Long"}


class Obj:
    """An object of a Lua class."""

    def __init__(self, class_name: str, **fields) -> None:
        self.class_name, self.fields = class_name, fields


def table(items) -> dict:
    """A Lua list."""
    return dict(enumerate(items, start=1))


class Writer:
    """``renamed`` maps class names, such as nn.ReLU to cudnn.ReLU, torch.FloatTensor to torch.CudaTensor."""

    def __init__(self, renamed: dict[str, str] | None = None) -> None:
        self.out, self.known, self.renamed, self.kept = io.BytesIO(), {}, renamed or {}, []

    def write(self, value) -> bytes:
        self._write(value)
        return self.out.getvalue()

    def _write(self, value) -> None:
        if value is None:
            self._pack("<i", 0)
        elif isinstance(value, bool):
            self._pack("<ii", 5, int(value))
        elif isinstance(value, int | float):
            self._pack("<id", 1, value)
        elif isinstance(value, str):
            self._pack("<i", 2)
            self._string(value)
        elif isinstance(value, dict):
            if self._begin(3, value):
                self._pack("<i", len(value))
                for key, item in value.items():
                    self._write(key)
                    self._write(item)
        elif isinstance(value, np.ndarray):
            if self._begin(4, value):
                name = TENSORS[value.dtype]
                self._class(f"torch.{name}Tensor")
                storage = np.ascontiguousarray(value)
                strides = [stride // value.itemsize for stride in storage.strides]
                self._pack(f"<i{value.ndim}q{value.ndim}qq", value.ndim, *value.shape, *strides, 1)
                self.kept.append(storage)
                self._begin(4, storage)
                self._class(f"torch.{name}Storage")
                self._pack("<q", value.size)
                self.out.write(storage.tobytes())
        elif self._begin(4, value):
            self._class(value.class_name)
            self._write(value.fields)

    def _begin(self, kind: int, value) -> bool:
        self._pack("<i", kind)
        # A tensor and its storage can be one array here; they are two objects in the file.
        new = id(value) not in self.known or isinstance(value, np.ndarray)
        if new:
            self.known[id(value)] = len(self.known) + len(self.kept) + 1
            self.kept.append(value)
        self._pack("<i", self.known[id(value)])
        return new

    def _class(self, name: str) -> None:
        self._string("V 1")
        self._string(self.renamed.get(name, name))

    def _string(self, text: str) -> None:
        self._pack("<i", len(text))
        self.out.write(text.encode())

    def _pack(self, layout: str, *values) -> None:
        self.out.write(struct.pack(layout, *values))


def save(path: Path, model, renamed: dict[str, str] | None = None) -> Path:
    """Write a model; returns the path."""
    path.write_bytes(Writer(renamed).write(model))
    return path


def as_torch7(network: CoarseToFine) -> Obj:
    """The modules of a network as the authors' code would have saved them, without the graph's edges."""
    modules = list(_stem(network.stem))
    for index, stack in enumerate(network.stacks):
        modules += [*_hourglass(stack.hourglass), *_features(stack.features)]
        if stack.heatmaps is not None:
            modules.append(_conv(stack.heatmaps))
        if index < len(network.links):
            link = network.links[index]
            if network.config.family == "stacked":
                modules.append(Obj("nn.JoinTable", dimension=2))
            modules += [_conv(part) for part in (link.from_features, link.from_heatmaps) if part is not None]
            if link.from_heatmaps is not None:
                modules.append(Obj("nn.CAddTable"))
    return Obj("nn.gModule", modules=table(modules), train=False)


def _numpy(tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _conv(conv: nn.Conv2d) -> Obj:
    return Obj(
        "nn.SpatialConvolution", nInputPlane=conv.in_channels, nOutputPlane=conv.out_channels,
        kW=conv.kernel_size[1], kH=conv.kernel_size[0], dW=conv.stride[1], dH=conv.stride[0],
        padW=conv.padding[1], padH=conv.padding[0], weight=_numpy(conv.weight), bias=_numpy(conv.bias),
    )  # fmt: skip


def _norm(norm: nn.BatchNorm2d) -> Obj:
    return Obj(
        "nn.SpatialBatchNormalization", eps=norm.eps, momentum=norm.momentum, affine=True, weight=_numpy(norm.weight),
        bias=_numpy(norm.bias), running_mean=_numpy(norm.running_mean), running_var=_numpy(norm.running_var),
    )  # fmt: skip


def _residual(block: Residual) -> Obj:
    branch = []
    for norm, conv in ((block.norm1, block.conv1), (block.norm2, block.conv2), (block.norm3, block.conv3)):
        branch += [_norm(norm), Obj("nn.ReLU", inplace=True), _conv(conv)]
    skip = Obj("nn.Identity") if isinstance(block.skip, nn.Identity) else _sequential([_conv(block.skip)])
    both = Obj("nn.ConcatTable", modules=table([_sequential(branch), skip]))
    return _sequential([both, Obj("nn.CAddTable", inplace=True)])


def _sequential(modules) -> Obj:
    return Obj("nn.Sequential", modules=table(modules))


def _stem(stem: Stem):
    yield from (Obj("nn.Identity"), _conv(stem.conv), _norm(stem.norm), Obj("nn.ReLU"), _residual(stem.first))
    yield Obj("nn.SpatialMaxPooling", kW=2, kH=2)
    yield from map(_residual, stem.rest)


def _hourglass(level: Hourglass):
    yield from map(_residual, level.upper)
    yield Obj("nn.SpatialMaxPooling", kW=2, kH=2)
    yield from map(_residual, level.before)
    yield from _hourglass(level.inner) if isinstance(level.inner, Hourglass) else map(_residual, level.inner)
    yield from map(_residual, level.after)
    yield from (Obj("nn.SpatialUpSamplingNearest", scale_factor=2), Obj("nn.CAddTable"))


def _features(features: nn.Sequential):
    for part in features:
        if isinstance(part, Lin):
            yield from (_conv(part.conv), _norm(part.norm), Obj("nn.ReLU"))
        else:
            yield from map(_residual, part)
