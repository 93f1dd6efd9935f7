"""How the commands read their words: ``key=value`` over one commented file of ``conf/``, and what needs no key.

Training alone is read by Hydra. Everything else comes through ``options``: one grammar, one quoting of paths, one help.
"""

import os
import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from c2fpose.base.errors import ConfigError, first_line
from c2fpose.config.schema import Name, did_you_mean, fields_of, parse

SchemaT = TypeVar("SchemaT", bound=BaseModel)


def options(schema: type[SchemaT], file: str, words: list[str] | None = None, positional: str | None = None) -> SchemaT:
    """Read a command line (the process's own if None) over ``conf/<file>``, checked against ``schema``.

    ``key=value`` and ``--key value`` are the same, and ``--key`` alone is true where truth is asked; elsewhere a value
    must follow. A word without a key of the schema in front of "=" is the value of ``positional``; where that is a
    tuple in the schema, there may be several. What the schema calls text or a path is taken as it stands, whatever YAML
    would make of it. ``--help`` prints the commented file and exits. Raises ``ConfigError`` in one line.
    """
    words = sys.argv[1:] if words is None else words
    path = Path(conf_dir()) / file
    if {"-h", "--help"} & set(words):
        print(path.read_text(encoding="utf-8"), end="")
        sys.exit(0)
    given, plain = _told_apart(words, schema, positional)
    if plain and positional is not None:
        several = _is_tuple(fields_of(schema)[positional])
        if positional in given or (len(plain) > 1 and not several):
            raise ConfigError(f"{plain[-1]}: expected key=value; --help lists the keys")
        given[positional] = plain if several else plain[0]
    values = _over_defaults(path, given, fields_of(schema))
    missing = [key for key, value in values.items() if value == "???"]
    if missing:
        raise ConfigError(f"{missing[0]}=... is needed; --help lists the keys")
    return parse(schema, values, "")


def _told_apart(
    words: list[str], schema: type[BaseModel], positional: str | None
) -> tuple[dict[str, str | list[str]], list[str]]:
    """Tell ``key=value`` from words that stand alone."""
    fields = fields_of(schema)
    given: dict[str, str | list[str]] = {}
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        key, equals, value = word.partition("=")
        if _is_key(word, fields):
            key = key[2:].replace("-", "_")
            if not equals and _is_truth(fields[key]) and (not rest or rest[0] not in ("true", "false", "null")):
                value = "true"
            elif not equals:
                if not rest or _is_key(rest[0], fields):
                    raise ConfigError(f"{word}: no value behind it; expected {key}=value; --help lists the keys")
                value = rest.pop(0)
            equals = "="
        if equals and key == positional and _is_tuple(fields[key]) and not value.startswith("["):
            plain.append(value)
        elif equals and (key.partition(".")[0] in fields or positional is None or not Path(word).exists()):
            given[key] = value
        elif positional is not None and not word.startswith("--"):
            plain.append(word)
        else:
            meant = did_you_mean(schema, [key.lstrip("-").replace("-", "_")])
            raise ConfigError(f"{word}: expected key=value; {meant}{meant and ' '}--help lists the keys")
    return given, plain


def _over_defaults(path: Path, given: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Put what was given over the values of a file."""
    texts = {key: value for key, value in given.items() if key in fields and _is_text(fields[key])}
    lists = {key: _texts_in(value) for key, value in given.items() if key in fields and _is_texts(fields[key], value)}
    known = texts.keys() | lists.keys()
    others = [f"{key}={value}" for key, value in given.items() if key not in known and isinstance(value, str)]
    try:
        merged = OmegaConf.merge(OmegaConf.load(path), OmegaConf.from_dotlist(others))
        values = cast(dict[str, Any], OmegaConf.to_container(merged, resolve=True))
    except (OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        reason = first_line(error)
        raise ConfigError(f"{' '.join(others)}: {reason}") from None
    values |= {key: None if value == "null" else _at_home(value) for key, value in texts.items()}
    return values | lists | {key: value for key, value in given.items() if isinstance(value, list)}


def _at_home(word: str) -> str:
    """Put the home folder for ``~``, which some shells leave as it is behind an "="."""
    return os.path.expanduser(word) if word == "~" or word.startswith("~/") else word


def _is_key(word: str, fields: dict[str, Any]) -> bool:
    """Whether a word is ``--key`` or ``--key=value``, not a value that begins with dashes."""
    return word.startswith("--") and word[2:].partition("=")[0].replace("-", "_") in fields


def _is_truth(annotation: Any) -> bool:
    """Whether a field is true or false, or nothing."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return set(kinds) in ({bool}, {bool, type(None)})


def _is_text(annotation: Any) -> bool:
    """Whether a field holds text or a path, or nothing."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_text(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        return bool(kinds) and all(_is_text(kind) for kind in kinds)
    if origin is Literal:
        return all(isinstance(value, str) for value in get_args(annotation))
    return annotation in (str, Path)


def _is_texts(annotation: Any, value: Any) -> bool:
    """Whether a word is a list in brackets of a field that holds texts: 001 in it is a name."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return (
        isinstance(value, str)
        and value.startswith("[")
        and any(get_args(kind)[:1] in ((str,), (Name,)) for kind in kinds)
    )


def _texts_in(value: str) -> Any:
    """Read a list without making numbers or truth of what stands in it; what is no list stays as it is."""
    try:
        return yaml.load(value, Loader=yaml.BaseLoader)  # it makes texts alone
    except yaml.YAMLError:
        return value


def _is_tuple(annotation: Any) -> bool:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return any(get_origin(kind) is tuple for kind in kinds)


def conf_dir() -> str:
    """Find the ``conf/`` directory: of the checkout if this is one, else the copy inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parent.parent / "conf", package / "conf"):
        if (candidate / "train.yaml").is_file():
            return str(candidate)
    raise FileNotFoundError(f"no conf/ beside {package}: the installation is incomplete")
