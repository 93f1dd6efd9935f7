"""Damaged networks of every format: read, or refused in one line; ``make torture`` tries 10,000 of each."""

import pytest
from torch7_files import as_torch7, save
from torture import fuzz
from toy_networks import TINY, trained

from c2fpose.config.model import NetworkConfig
from c2fpose.model.checkpoints.formats import save_checkpoint, save_safetensors
from c2fpose.model.checkpoints.load import load_module
from c2fpose.model.checkpoints.torch7_network import read_network
from c2fpose.model.networks.coarse_to_fine import CoarseToFine

# Changes by which half of a file, or a line's end, came into the message
FOUND = {"net.t7": (6640,), "net.ckpt": (7674,), "header of net.safetensors": (2504,)}


@pytest.mark.torture
@pytest.mark.parametrize("name", ["net.t7", "net.ckpt", "net.safetensors", "header of net.safetensors"])
def test_damaged_networks_are_read_or_refused_in_one_line(name, tmp_path):
    target = tmp_path / name.split()[-1]
    if target.suffix == ".t7":
        small = NetworkConfig(depths=(1, 64), image_size=64, heatmap_size=16, width=8, levels=1)
        save(target, as_torch7(CoarseToFine(small)))
    else:
        module = trained(TINY)
        write_to = save_safetensors if target.suffix == ".safetensors" else save_checkpoint
        write_to(target, module.state_dict(), module.config.model_dump(mode="json"), {"code_version": "0.0.1+test"})
    read = read_network if target.suffix == ".t7" else load_module
    if not name.startswith("header"):
        assert fuzz(target, lambda: read(target), str(target), found=FOUND.get(name, ()))
        return
    whole = target.read_bytes()  # eight bytes of length, a header of JSON, numbers
    size = int.from_bytes(whole[:8], "little")
    target.write_bytes(whole[8 : 8 + size])

    def write(header: bytes) -> None:
        target.write_bytes(len(header).to_bytes(8, "little") + header + whole[8 + size :])

    assert fuzz(target, lambda: read(target), str(target), write=write, found=FOUND[name])
