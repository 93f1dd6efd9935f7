"""Shape annotations of the package are checked while the tests run."""

from hypothesis import settings
from jaxtyping import install_import_hook

# The same examples on every machine, and none fails for being slow: the time of a test is no property of the package.
settings.register_profile("c2fpose", deadline=None, derandomize=True)
settings.load_profile("c2fpose")

# numba compiles its kernels from plain functions, so the modules that hold some stay as they are
install_import_hook(
    [
        "c2fpose.skeleton",
        "c2fpose.camera",
        "c2fpose.volume",
        "c2fpose.networks",
        "c2fpose.module",
        "c2fpose.metrics",
        "c2fpose.poses",
        "c2fpose.data.crop",
        "c2fpose.data.augmentation",
        "c2fpose.data.box",
        "c2fpose.data.human36m",
        "c2fpose.data.released_crop",
        "c2fpose.engines",
    ],
    "beartype.beartype",
)
