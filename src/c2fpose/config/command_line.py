"""``key=value`` commands whose keys, defaults and meanings stand in one commented file of ``conf/``."""

import json
import sys
from pathlib import Path
from typing import TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from c2fpose.base.errors import ConfigError
from c2fpose.config.schema import parse

SchemaT = TypeVar("SchemaT", bound=BaseModel)


def options(schema: type[SchemaT], file: str, arguments: list[str], positional: str | None = None) -> SchemaT:
    """``conf/<file>`` with ``arguments`` (``key=value``) over it, checked against ``schema``.

    A first argument without "=" is the value of ``positional``. ``--help`` prints the commented file and exits.
    Raises ``ConfigError`` in one line.
    """
    path = Path(conf_dir()) / file
    if {"-h", "--help"} & set(arguments):
        print(path.read_text(), end="")
        sys.exit(0)
    if positional and arguments and "=" not in arguments[0]:
        arguments = [f"{positional}={arguments[0]}", *arguments[1:]]
    for argument in arguments:
        if "=" not in argument:
            raise ConfigError(f"{argument}: expected key=value; --help lists the keys")
    try:
        merged = OmegaConf.merge(OmegaConf.load(path), OmegaConf.from_dotlist(arguments))
    except (OmegaConfBaseException, ValueError) as error:
        raise ConfigError(f"{' '.join(arguments)}: {str(error).splitlines()[0]}") from None
    missing = sorted(OmegaConf.missing_keys(merged))
    if missing:
        raise ConfigError(f"{missing[0]}=... is needed; --help lists the keys")
    return parse(schema, merged, "")


def directories_and_options(
    schema: type[SchemaT], file: str, words: list[str] | None = None
) -> tuple[list[Path], SchemaT]:
    """A command line (the process's own if None) of sweep directories and ``key=value``.

    Raises ``ConfigError`` if it names no directory.
    """
    words = sys.argv[1:] if words is None else words
    names = [word for word in words if "=" not in word and not word.startswith("-")]
    settings = options(schema, file, [word for word in words if word not in names])
    if not names:
        raise ConfigError("give at least one sweep directory, such as runs/ablation_depth/laptop")
    return [Path(name) for name in names], settings


def as_text(arguments: list[str], keys: tuple[str, ...]) -> list[str]:
    """``key=value`` with names of files quoted: they may hold what YAML would read as its own."""
    parts = [argument.partition("=") for argument in arguments]
    return [
        f"{key}={json.dumps(value, ensure_ascii=False)}" if equals and key in keys and value != "null" else argument
        for argument, (key, equals, value) in zip(arguments, parts, strict=True)
    ]


def conf_dir() -> str:
    """The ``conf/`` directory: of the checkout if this is one, else the copy inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parent.parent / "conf", package / "conf"):
        if (candidate / "train.yaml").is_file():
            return str(candidate)
    raise FileNotFoundError(f"no conf/ beside {package}: the installation is incomplete")
