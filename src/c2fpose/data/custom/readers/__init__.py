"""Readers of other people's forms of data, a file each: ``read(config) -> Records``. A new file is a source."""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from c2fpose.base.errors import ConfigError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.records import Records

OWN = "custom"  # the package's own table; its reader is table.py


def names() -> tuple[str, ...]:
    """List what ``source=`` may be, besides Human3.6M's."""
    found = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(OWN if name == "table" else name for name in found)


def reader_of(source: str) -> Callable[[CustomConfig], Records]:
    """Give the reader of a source. Raises ``ConfigError`` for an unknown one."""
    if source not in names():
        raise ConfigError(f"source={source}: unknown; one of {', '.join(names())}")
    return import_module(f"{__name__}.{'table' if source == OWN else source}").read
