"""Readers of other people's forms of data, a file each: ``read(config) -> Records``. A new file is a source."""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from c2fpose.base.errors import ConfigError
from c2fpose.data.custom.options import CustomConfig
from c2fpose.data.custom.records import Records

OWN = "custom"  # the package's own table; its reader is table.py


def names() -> tuple[str, ...]:
    """List what ``source=`` may be, besides Human3.6M's."""
    found = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(OWN if name == "table" else name for name in found)


def unread_by(source: str) -> tuple[str, ...]:
    """List the keys of ``CustomConfig`` that a source does not read: its reader's ``UNREAD``, if it has one."""
    return getattr(_module_of(source), "UNREAD", ())


def reader_of(source: str) -> Callable[[CustomConfig], Records]:
    """Give the reader of a source. Raises ``ConfigError`` for an unknown one."""
    return _module_of(source).read


def _module_of(source: str) -> ModuleType:
    if source not in names():
        raise ConfigError(f"source={source}: unknown; one of {', '.join(names())}")
    return import_module(f"{__name__}.{'table' if source == OWN else source}")
