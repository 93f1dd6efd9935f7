"""Shapes and types in the signatures of the package are checked while the tests run."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")  # else threads follow the free cores, and digits the threads

# The same examples on every machine, and none fails for being slow: the time of a test is no property of the package.
settings.register_profile("c2fpose", deadline=None, derandomize=True)
settings.load_profile("c2fpose")

pytest_plugins = ["toy_sweeps", "human36m_sets", "ready"]  # data files and settings of toy size, quick starts

UNCHECKED = {"c2fpose.model.volumes.loss"}  # PyTorch compiles its expressions and cannot see through the checks
_ROOT = Path(find_spec("c2fpose").origin).parent
# Every module with shapes in its signatures
_MODULES = {
    ".".join(("c2fpose", *path.relative_to(_ROOT).with_suffix("").parts))
    for path in _ROOT.rglob("*.py")
    if "from jaxtyping import" in path.read_text()
}

# By PEP 484 an int will do where a float is asked for
install_import_hook(
    sorted(_MODULES - UNCHECKED),
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none, even if it is asked for by name."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    if wanting:
        import torch

        if not torch.cuda.is_available():
            for item in wanting:
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Draw the same random numbers whichever tests ran before; spare whole files the look from a fork.

    The fork would be one of this large process. Where it is what is tested, it is taken.
    """
    from c2fpose.data import child

    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)

    looked_at = item.get_closest_marker("torture") or item.path.name in ("test_child.py", "test_hdf5.py")
    with pytest.MonkeyPatch.context() as patch:
        if not looked_at:
            patch.setattr(child, "_end_of_a_fork", lambda *_: "")
        return (yield)
