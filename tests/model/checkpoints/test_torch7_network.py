"""Files of the original's own making, read by us and by ``torchfile``; and what is refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchfile
from original_networks import Layers, stacked, uniform
from torch7_files import Obj, as_torch7, save, table

from c2fpose.base.errors import UserError
from c2fpose.config.model import NetworkConfig
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.checkpoints.torch7_file import TorchObject, load
from c2fpose.model.checkpoints.torch7_network import read_network
from c2fpose.model.networks.coarse_to_fine import CoarseToFine
from c2fpose.torch7 import main

# Networks that the authors' code built and saved (random weights, 1/16 of the width), and their outputs on one image,
# computed by Torch7; every third row and column of them.
FIXTURES = Path(__file__).parents[2] / "fixtures"
OUTPUTS = np.load(FIXTURES / "torch7_outputs.npz")
IMAGE = torch.from_numpy(OUTPUTS["image"])
STACKED, UNIFORM = FIXTURES / "torch7_hg-stacked-2.t7", FIXTURES / "torch7_hg-1.t7"
CUDA = {
    "torch.FloatTensor": "torch.CudaTensor",
    "torch.FloatStorage": "torch.CudaStorage",
    "nn.SpatialConvolution": "cudnn.SpatialConvolution",
    "nn.SpatialBatchNormalization": "cudnn.SpatialBatchNormalization",
    "nn.ReLU": "cudnn.ReLU",
    "nn.SpatialMaxPooling": "cudnn.SpatialMaxPooling",
}


def small(**values) -> CoarseToFine:
    """A network with weights and statistics that differ everywhere."""
    torch.manual_seed(0)
    values = {"width": 8, "residuals": 3} | values
    network = CoarseToFine(NetworkConfig(depth_bins=values["depths"][-1], **values))
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if "var" in name else torch.randn_like(tensor) * 0.1)
    return network.eval()


def same_weights(one: CoarseToFine, other: CoarseToFine) -> bool:
    left, right = one.state_dict(), other.state_dict()
    ignored = {name for name in left if name.endswith("num_batches_tracked")}
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left.keys() - ignored)


def read_by_torchfile(path: Path):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        return torchfile.load(str(path), use_list_heuristic=False)
    finally:
        sys.setrecursionlimit(limit)


# --- the original's answers ---


@pytest.mark.parametrize(("path", "family"), [(STACKED, "stacked"), (UNIFORM, "uniform")])
def test_outputs_are_the_originals(path, family):
    network = read_network(path)
    with torch.inference_mode():
        outputs = network(IMAGE)
    keys = sorted(key for key in OUTPUTS if key.startswith(family))
    assert len(outputs) == len(keys)
    for output, key in zip(outputs, keys, strict=True):
        ours = output.flatten(1, 2)[:, :, 1::3, 1::3].numpy()
        # Values reach 10: float32 rounding, with one or with many threads, stays near 1e-6 of that.
        np.testing.assert_allclose(ours, OUTPUTS[key], rtol=0, atol=2e-5)


def test_configurations_are_worked_out():
    config = read_network(STACKED).config
    assert (config.family, config.width, config.depths, config.joints) == ("stacked", 16, (1, 8), 17)
    assert (config.levels, config.image_size, config.heatmap_size) == (4, 256, 64)
    config = read_network(UNIFORM).config
    assert (config.family, config.width, config.depths, config.residuals) == ("uniform", 16, (8,), 3)


def weighted_layers(path: Path, dtype: torch.dtype) -> list[dict[str, torch.Tensor]]:
    """Layers with weights in the order of the file, by ``torchfile``: nothing of ours is involved."""

    def walk(module):
        fields = module._obj
        for key in sorted(fields.get(b"modules", {})):
            yield from walk(fields[b"modules"][key])
        if b"weight" in fields:
            names = (b"weight", b"bias", b"running_mean", b"running_var")
            found = {name.decode(): fields[name] for name in names if name in fields}
            yield {name: torch.from_numpy(value.copy()).to(dtype) for name, value in found.items()}

    return list(walk(read_by_torchfile(path)))


@pytest.mark.parametrize(("path", "forward", "stacks"), [(STACKED, stacked, 2), (UNIFORM, uniform, 1)])
def test_gradients_are_those_of_a_second_forward_pass(path, forward, stacks):
    """Evaluation mode, float64: outputs, and gradients of the image and of every weight, agree to 1e-10."""
    network = read_network(path).double()
    layers = weighted_layers(path, torch.float64)
    learned = [layer[name].requires_grad_() for layer in layers for name in ("weight", "bias")]
    images = [IMAGE[..., 64:128, 64:128].double().requires_grad_() for _ in range(2)]
    taken = Layers(layers)
    theirs = forward(taken, images[1], 16, stacks)
    assert not taken.remaining
    ours = network(images[0])
    generator = torch.Generator().manual_seed(1)
    loss, their_loss = 0.0, 0.0
    for our, their in zip(ours, theirs, strict=True):
        our = our.flatten(1, 2)
        torch.testing.assert_close(our, their, rtol=0, atol=1e-10)
        weight = torch.randn(our.shape, generator=generator, dtype=torch.float64) / our.numel() ** 0.5
        loss, their_loss = loss + (weight * our).sum(), their_loss + (weight * their).sum()
    loss.backward()
    their_loss.backward()
    torch.testing.assert_close(images[0].grad, images[1].grad, rtol=0, atol=1e-10)
    # Ours stand in another order: the same weight is found by its values, which no other has.
    gradients = {p.detach().numpy().tobytes(): p.grad.flatten() for p in network.parameters()}
    assert len(gradients) == len(learned) == len(list(network.parameters()))
    for weight in learned:
        mine = gradients[weight.detach().numpy().tobytes()]
        torch.testing.assert_close(mine, weight.grad.flatten(), rtol=0, atol=1e-10)


# --- the format ---


@pytest.mark.parametrize("path", [STACKED, UNIFORM])
def test_format_is_read_as_torchfile_reads_it(path):
    seen, tensors = set(), 0
    pending = [(load(path), read_by_torchfile(path))]
    while pending:
        ours, theirs = pending.pop()
        if id(ours) in seen and isinstance(ours, TorchObject | dict):
            continue
        seen.add(id(ours))
        if isinstance(ours, TorchObject):
            assert ours.class_name == theirs.torch_typename().decode()
            pending.append((ours.fields, theirs._obj))
        elif isinstance(ours, dict):
            assert len(ours) == len(theirs)
            for key in ours:
                if isinstance(key, str | int | float):
                    pending.append((ours[key], theirs[key.encode() if isinstance(key, str) else key]))
        elif isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
            tensors += 1
        else:
            assert (ours.encode() if isinstance(ours, str) else ours) == theirs
    assert tensors > 100


def test_tensors_with_strides_and_offsets_and_functions(tmp_path):
    """A transposed view, a view into a shared storage, and a function between them, byte by byte."""
    import struct

    def text(value: str) -> bytes:
        return struct.pack("<i", len(value)) + value.encode()

    storage = struct.pack("<ii", 4, 9) + text("V 1") + text("torch.IntStorage") + struct.pack("<q6i", 6, *range(6))
    again = struct.pack("<ii", 4, 9)

    def tensor(index: int, shape, strides, first, elements: bytes) -> bytes:
        head = struct.pack("<ii", 4, index) + text("V 1") + text("torch.IntTensor") + struct.pack("<i", len(shape))
        return head + struct.pack(f"<{len(shape)}q{len(shape)}qq", *shape, *strides, first) + elements

    function = struct.pack("<iii", 8, 5, 4) + b"\x1bLua" + struct.pack("<iii", 3, 6, 0)
    parts = [tensor(2, (2, 3), (1, 2), 1, storage), function, tensor(4, (2,), (3,), 2, again)]
    body = b"".join(struct.pack("<id", 1, key) + part for key, part in enumerate(parts, start=1))
    path = tmp_path / "views.t7"
    path.write_bytes(struct.pack("<iii", 3, 1, 3) + body)
    read = load(path)
    assert read[1].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert read[2] is None
    assert read[3].tolist() == [1, 4]
    with pytest.raises(ValueError, match="read-only"):
        read[1][0, 0] = 7
    # The same with the second view reaching beyond the storage.
    path.write_bytes(
        struct.pack("<iii", 3, 1, 3) + body.replace(struct.pack("<qqq", 2, 3, 2), struct.pack("<qqq", 2, 5, 2))
    )
    with pytest.raises(UserError, match="ends outside its elements"):
        load(path)


# --- other networks than the stored ones ---


@pytest.mark.parametrize(
    "values",
    [
        dict(family="stacked", depths=(1, 2, 4, 64)),
        dict(family="stacked", depths=(64, 64, 64)),
        dict(family="stacked", depths=(64,)),
        dict(family="stacked", depths=(1, 64), joints=16),
        dict(family="stacked", depths=(1, 64), supervision="none"),
        dict(family="uniform", depths=(1, 4, 16)),
        dict(family="uniform", depths=(32, 32), residuals=1),
        dict(family="stacked", depths=(1, 4), levels=3),
    ],
    ids=str,
)
def test_every_schedule_comes_back(values, tmp_path):
    network = small(**values)
    back = read_network(save(tmp_path / "model.t7", as_torch7(network)))
    assert back.config == network.config.model_copy(update={"joints": network.config.joint_count})
    assert same_weights(back, network)


def test_class_names_of_cuda_are_understood(tmp_path):
    network = small(family="stacked", depths=(1, 8))
    model = as_torch7(network)
    # what the GPU code leaves in a file
    model.fields["modules"][2].fields |= {"groups": 1, "iSize": np.array([1, 3, 256, 256]), "fmode": None}
    assert same_weights(read_network(save(tmp_path / "model.t7", model, CUDA)), network)


def test_weights_in_matrix_form_are_understood(tmp_path):
    network = small(family="stacked", depths=(1, 8))
    model = as_torch7(network)
    model.fields["modules"][2].fields["weight"] = model.fields["modules"][2].fields["weight"].reshape(2, -1)
    assert same_weights(read_network(save(tmp_path / "model.t7", model)), network)


@pytest.mark.slow
def test_full_width_fits_in_four_gigabytes(tmp_path):
    with torch.device("meta"):
        network = CoarseToFine(NetworkConfig(depths=(1, 2, 4, 64)))
    save(tmp_path / "model.t7", as_torch7(network.to_empty(device="cpu").apply(_filled)))
    del network
    code = (
        "import resource, sys; from c2fpose.torch7 import main; main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "model.t7"), "--out", str(tmp_path / "model.ckpt")]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert "depths [1, 2, 4, 64]" in printed
    assert int(printed.split()[-1]) < 4 * 2**20  # kilobytes


def _filled(module: torch.nn.Module) -> None:
    for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
        tensor.data.fill_(1)


# --- the command ---


def test_command_writes_a_checkpoint_that_loads(tmp_path, capsys):
    main([str(STACKED), "--out", str(tmp_path / "model.ckpt")])
    printed = capsys.readouterr().out
    assert "stacked family, width 16, 2 stacks, depths [1, 8], 17 joints" in printed
    module = load_module(tmp_path / "model.ckpt")
    assert module.config.target.definition == "released_code"
    assert module.config.decoding.method == "argmax"
    assert module.hparams["provenance"]["imported_from"] == STACKED.name
    assert module.config.crop_mode == "released_code"
    with torch.inference_mode():
        torch.testing.assert_close(module.network(IMAGE)[-1], read_network(STACKED)(IMAGE)[-1], rtol=0, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["model.ckpt"]


def test_command_writes_safetensors_as_well(tmp_path):
    main([str(UNIFORM), "--out", str(tmp_path / "model.safetensors")])
    assert same_weights(load_module(tmp_path / "model.safetensors").network, read_network(UNIFORM))


def refused(tmp_path: Path, capsys, source: Path) -> str:
    """The one line with which the command refuses a file."""
    with pytest.raises(SystemExit) as exit_:
        main([str(source), "--out", str(tmp_path / "out" / "model.ckpt")])
    assert exit_.value.code == 2
    assert not (tmp_path / "out").exists()
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert str(source) in line
    return line


def test_refuses_truncated_files(tmp_path, capsys):
    whole, path = UNIFORM.read_bytes(), tmp_path / "cut.t7"
    cuts = np.random.default_rng(0).integers(1, len(whole), 20)
    for cut in (1, 100, len(whole) - 1, *cuts.tolist()):
        path.write_bytes(whole[:cut])
        assert "truncated" in refused(tmp_path, capsys, path)


def test_refuses_files_of_another_kind(tmp_path, capsys):
    path = tmp_path / "other.t7"
    torch.save({"state_dict": {}}, path)
    assert "not a binary Torch7 file" in refused(tmp_path, capsys, path)
    path.write_bytes(b"4\n1\n3\nV 1\n10\nnn.gModule\n")
    assert "not a binary Torch7 file" in refused(tmp_path, capsys, path)
    path.write_bytes(b"")
    assert "empty file" in refused(tmp_path, capsys, path)
    assert "no such file" in refused(tmp_path, capsys, tmp_path / "none.t7")


def with_change(change) -> Obj:
    model = as_torch7(small(family="stacked", depths=(1, 8)))
    change(model.fields["modules"])
    return model


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update({4: Obj("nn.Dropout", p=0.5)}), "unexpected module nn.Dropout"),
        (lambda m: m.update({4: Obj("os.execute")}), "unexpected module os.execute"),
        (lambda m: m.update({4: "nn.ReLU"}), "holds a string where a module was expected"),
        (lambda m: m.update({2: m[max(m)]}), "none of the authors'"),
        (lambda m: m.pop(max(m)), "none of the authors'"),
        (lambda m: m[2].fields.update(bias=None), "without bias"),
        (lambda m: m[2].fields.update(weight=m[2].fields["weight"][:1]), "do not have the stated size"),
        (lambda m: m[2].fields.update(dW=1), "none of the authors'"),
        (lambda m: m[3].fields.update(eps=1e-3), "epsilon 0.001"),
        (lambda m: m[2].fields.update(weight=m[2].fields["weight"] * np.float32("nan")), "finite"),
        (lambda m: m.clear(), "not an hourglass network"),
    ],
)  # fmt: skip
def test_refuses_other_models(change, words, tmp_path, capsys):
    assert words in refused(tmp_path, capsys, save(tmp_path / "model.t7", with_change(change)))


def test_refuses_a_plain_convolutional_network(tmp_path, capsys):
    modules = as_torch7(small(family="uniform", depths=(8,))).fields["modules"]
    plain = Obj("nn.Sequential", modules=table([modules[2], modules[3], modules[4]]))
    assert "not an hourglass network" in refused(tmp_path, capsys, save(tmp_path / "model.t7", plain))


def test_damaged_bytes_never_end_in_a_traceback(tmp_path):
    """Single bytes overwritten anywhere: the file is read or refused, whatever the byte."""
    whole, path = (
        save(tmp_path / "whole.t7", as_torch7(small(family="uniform", depths=(8,)))).read_bytes(),
        tmp_path / "x",
    )
    rng = np.random.default_rng(0)
    outcomes = []
    for position in rng.integers(0, len(whole), 12):
        damaged = bytearray(whole)
        damaged[position] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_network(path)
            outcomes.append("read")
        except UserError:
            outcomes.append("refused")
    assert "read" in outcomes  # most bytes are weights
