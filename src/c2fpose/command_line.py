"""``key=value`` commands whose keys, defaults and meanings stand in one commented file of ``conf/``."""

import json
import sys
from pathlib import Path
from typing import TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from c2fpose.config import parse
from c2fpose.errors import ConfigError
from c2fpose.settings import conf_dir

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


def as_text(arguments: list[str], keys: tuple[str, ...]) -> list[str]:
    """``key=value`` with names of files quoted: they may hold what YAML would read as its own."""
    parts = [argument.partition("=") for argument in arguments]
    return [
        f"{key}={json.dumps(value, ensure_ascii=False)}" if equals and key in keys and value != "null" else argument
        for argument, (key, equals, value) in zip(arguments, parts, strict=True)
    ]
