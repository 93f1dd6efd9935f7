"""Networks of the authors' Torch7 code, as ours.

What the network is (family, width, levels, depth schedule, joints) is worked out from the file. Only files saved by
the authors' training code are understood: every module must be where it would be in one of those networks.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from c2fpose.base.errors import UserError
from c2fpose.base.provenance import code_version, file_hash
from c2fpose.config.model import DecodingConfig, ModelConfig, NetworkConfig, TargetConfig
from c2fpose.model.checkpoints.formats import check_suffix, save_checkpoint, save_safetensors
from c2fpose.model.checkpoints.torch7_file import Table, TorchObject, load
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.pose.protocol import DEPTH_BINS
from c2fpose.pose.skeleton import NUM_JOINTS

_CONVOLUTIONS = ("SpatialConvolution", "SpatialConvolutionMM")
_NORMALISATION = "SpatialBatchNormalization"
_POOL, _UPSAMPLE, _JOIN = "SpatialMaxPooling", "SpatialUpSamplingNearest", "JoinTable"
_CONTAINERS = ("gModule", "Sequential", "ConcatTable")
_WITHOUT_WEIGHTS = (_POOL, _UPSAMPLE, _JOIN, "ReLU", "Identity", "CAddTable")
_LIBRARIES = ("nn", "cudnn", "cunn", "nngraph")
_RESIDUALS = (3, 1, 2, 4)  # in each place of the uniform family; the authors' number first


@dataclass(frozen=True)
class Layer:
    """One module of the file that is not a container: class without library, and its fields."""

    kind: str
    fields: dict[Any, Any]

    @property
    def signature(self) -> tuple[int, ...]:
        """What two layers must share to be the same: sizes of a convolution, or channels of a normalisation."""
        if self.kind in _CONVOLUTIONS:
            sizes = ("nInputPlane", "nOutputPlane", "kW", "kH", "dW", "dH", "padW")
            return tuple(self.fields.get(name) for name in sizes)  # type: ignore[misc]  # None equals no layer's
        return (len(self.fields["running_mean"]),)


def read_network(path: Path) -> CoarseToFine:
    """Read the network in a Torch7 file, in evaluation mode, weights copied.

    Raises ``UserError`` for a file that cannot be read and for a model that is not one of the authors' networks.
    """
    layers = list(_layers(load(path), path))
    weighted = [layer for layer in layers if layer.kind in (*_CONVOLUTIONS, _NORMALISATION)]
    for layer in weighted:
        _check_complete(layer, path)
    network = CoarseToFine(_infer_config(layers, weighted, path)).eval()
    with torch.no_grad():
        for layer, (name, module) in zip(weighted, _modules_in_torch7_order(network), strict=True):
            _copy(layer, module, f"{path}: {name}")
    return network


def _layers(item: Any, path: Path) -> Iterator[Layer]:
    """All modules that are not containers, in the order in which the file holds them."""
    if not isinstance(item, TorchObject):
        raise UserError(f"{path}: holds {_described(item)} where a module was expected; not a saved network")
    library, _, kind = item.class_name.rpartition(".")
    if library not in _LIBRARIES or kind not in (*_CONTAINERS, *_CONVOLUTIONS, _NORMALISATION, *_WITHOUT_WEIGHTS):
        raise UserError(f"{path}: unexpected module {item.class_name[:80]}; not one of the authors' networks")
    if kind not in _CONTAINERS:
        yield Layer(kind, item.fields)
        return
    inner = item.fields.get("modules")
    if not isinstance(inner, Table):
        raise UserError(f"{path}: {item.class_name} without modules")
    for module in inner.items_in_order():
        yield from _layers(module, path)


def layers_with_weights(model: Any, path: Path) -> list[dict[str, np.ndarray]]:
    """Collect the tensors of all convolutions and normalisations of a loaded file, in its order."""
    names = ("weight", "bias", "running_mean", "running_var")
    layers = (layer.fields for layer in _layers(model, path) if "weight" in layer.fields)
    return [{name: fields[name] for name in names if name in fields} for fields in layers]


def _described(item: Any) -> str:
    return {"Table": "a table", "ndarray": "a tensor", "str": "a string"}.get(type(item).__name__, "a plain value")


def _check_complete(layer: Layer, path: Path) -> None:
    """Refuse layers whose tensors are missing or not of the sizes that the layer states."""
    names = ("weight", "bias") if layer.kind in _CONVOLUTIONS else ("weight", "bias", "running_mean", "running_var")
    for name in names:
        if not isinstance(layer.fields.get(name), np.ndarray) or layer.fields[name].dtype.kind != "f":
            raise UserError(f"{path}: a {layer.kind} without {name}; not one of the authors' networks")
    if layer.kind in _CONVOLUTIONS:
        if not all(isinstance(size, int) for size in layer.signature):
            raise UserError(f"{path}: a convolution that does not state its sizes")
        inputs, outputs, width, height, *_ = layer.signature
        if layer.fields["weight"].size != inputs * outputs * width * height or layer.fields.get("groups", 1) != 1:
            raise UserError(f"{path}: a convolution whose weights do not have the stated size")


def _infer_config(layers: list[Layer], weighted: list[Layer], path: Path) -> NetworkConfig:
    """Find the configuration whose network has exactly the layers of the file."""
    kinds = Counter(layer.kind for layer in layers)
    places = [layer.kind for layer in layers if layer.kind in (_POOL, _UPSAMPLE)]
    levels = len(list(itertools.takewhile(lambda kind: kind == _POOL, places))) - 1
    pools_fit = levels >= 1 and kinds[_UPSAMPLE] % levels == 0 and kinds[_POOL] == kinds[_UPSAMPLE] + 1
    if not pools_fit or not weighted or weighted[0].kind not in _CONVOLUTIONS:
        raise UserError(f"{path}: not an hourglass network of the authors ({dict(kinds) or 'no modules'})")
    stacks, width = kinds[_UPSAMPLE] // levels, 4 * weighted[0].fields["nOutputPlane"]
    for values in _candidates(stacks, kinds[_JOIN]):
        config = _try_config(width=width, levels=levels, depths=(1,) * stacks, depth_bins=1, **values)
        if config is None:
            continue
        with torch.device("meta"):
            names = [name for name, _ in _modules_in_torch7_order(CoarseToFine(config))]
        if len(names) != len(weighted):
            continue
        channels = [
            layer.fields["nOutputPlane"]
            for name, layer in zip(names, weighted, strict=True)
            if name.endswith(".heatmaps") and layer.kind in _CONVOLUTIONS
        ]
        joints, depths = _joints_and_depths(channels, path)
        # Without supervision in between, only the last depth leaves a trace; the others are set to 1.
        depths = (1,) * (stacks - len(depths)) + depths
        if any(earlier > later for earlier, later in itertools.pairwise(depths)):
            raise UserError(f"{path}: depths {list(depths)} decrease; not a coarse-to-fine network")
        found = config.model_copy(update={"joints": joints, "depths": depths, "depth_bins": depths[-1]})
        found = NetworkConfig(**found.model_dump())
        with torch.device("meta"):
            expected = [_signature(module) for _, module in _modules_in_torch7_order(CoarseToFine(found))]
        if expected == [layer.signature for layer in weighted]:
            return found
    raise UserError(f"{path}: an hourglass network, but none of the authors': {stacks} stacks of width {width}")


def _candidates(stacks: int, joins: int) -> Iterator[dict[str, Any]]:
    """Find the authors' families; concatenations tell whether they can be the stacked one."""
    supervisions = ("separated", "none") if stacks > 1 else ("separated",)
    if joins == stacks - 1:
        for supervision in supervisions:
            yield {"family": "stacked", "supervision": supervision, "residuals": 3}
    if joins == 0:
        for residuals, supervision in itertools.product(_RESIDUALS, supervisions):
            yield {"family": "uniform", "supervision": supervision, "residuals": residuals}


def _try_config(**values: Any) -> NetworkConfig | None:
    try:
        return NetworkConfig(image_size=256, heatmap_size=64, **values)
    except ValueError:
        return None


def _joints_and_depths(channels: list[int], path: Path) -> tuple[int, tuple[int, ...]]:
    """Find the number of joints and depth of each stack. The product alone is ambiguous; 17 joints are preferred."""
    depths_seen = [2**k for k in range(DEPTH_BINS.bit_length() - 1, -1, -1)]
    candidates = [NUM_JOINTS, *(channels[-1] // depth for depth in depths_seen if channels[-1] % depth == 0)]
    for joints in candidates:
        if all(count % joints == 0 and count // joints in depths_seen for count in channels):
            return joints, tuple(count // joints for count in channels)
    raise UserError(f"{path}: heatmaps of {channels} channels are no whole number of joints and depth bins")


def _modules_in_torch7_order(network: CoarseToFine) -> list[tuple[str, nn.Module]]:
    """Convolutions and normalisations as the authors' files hold them: each stack, then the link to the next one."""
    parts: list[tuple[str, nn.Module]] = [("stem", network.stem)]
    for index, stack in enumerate(network.stacks):
        parts.append((f"stacks.{index}", stack))
        if index < len(network.links):
            parts.append((f"links.{index}", network.links[index]))
    return [
        (f"{prefix}.{name}", module)
        for prefix, part in parts
        for name, module in part.named_modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]


def _signature(module: nn.Module) -> tuple[int, ...]:
    if isinstance(module, nn.Conv2d):
        padding = cast(tuple[int, int], module.padding)
        return (module.in_channels, module.out_channels, *module.kernel_size[::-1], *module.stride, padding[1])
    return (cast(nn.BatchNorm2d, module).num_features,)


def _copy(layer: Layer, module: nn.Module, where: str) -> None:
    names = ("weight", "bias") if isinstance(module, nn.Conv2d) else ("weight", "bias", "running_mean", "running_var")
    for name in names:
        stored, target = layer.fields[name], getattr(module, name)
        if stored.size != target.numel():
            raise UserError(f"{where}.{name} has {stored.size} values, {target.numel()} expected")
        values = np.array(stored, np.float32)
        if not np.isfinite(values).all():
            raise UserError(f"{where}.{name} is not finite")
        target.copy_(torch.from_numpy(values.reshape(tuple(target.shape))))
    if isinstance(module, nn.BatchNorm2d) and abs(layer.fields.get("eps", module.eps) - module.eps) > 1e-9:
        raise UserError(f"{where}: epsilon {layer.fields['eps']}, the authors' networks have {module.eps}")


def model_config(network: NetworkConfig) -> ModelConfig:
    """How the authors trained and decode such a network."""
    return ModelConfig(
        crop_mode="released_code",
        network=network,
        target=TargetConfig(definition="released_code"),
        decoding=DecodingConfig(method="argmax", flip=True),
    )


def convert(source: Path, out: Path) -> NetworkConfig:
    """Write a checkpoint with the network of a Torch7 file; no file is left behind if that fails."""
    check_suffix(out)
    network = read_network(source)
    provenance = {
        "code_version": code_version(),
        "imported_from": source.name,
        "imported_sha256": file_hash(source),
    }
    weights = {f"network.{name}": value for name, value in network.state_dict().items()}
    save = save_safetensors if out.suffix == ".safetensors" else save_checkpoint
    save(out, weights, model_config(network.config).model_dump(mode="json"), provenance)
    return network.config
