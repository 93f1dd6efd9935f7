"""Schemas: immutable values that refuse unknown keys, and how a composed configuration is checked against them."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from c2fpose.base.errors import ConfigError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(coerce_numbers_to_str=True)]  # that data gave: Hydra makes a number of 7
Accelerator = Literal["auto", "cpu", "gpu"]


class Schema(BaseModel):
    """Immutable values; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Give nested settings by dotted key; an empty part stands by its own."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return found


_KIND = re.compile(r"constrained-\w+|function-\S+|literal\[.*|tuple\[.*|lax-or-strict\S*")

SchemaT = TypeVar("SchemaT", bound=BaseModel)


def parse(schema: type[SchemaT], node: DictConfig | dict[str, Any], key: str) -> SchemaT:
    """Read a node of the composed configuration as its schema; ``key`` is where it stands, for the message.

    Raises ``ConfigError``: one line with key, value and what is allowed.
    """
    values = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_in_words(fault, key, schema) for fault in _causes(error.errors()))) from None


def _causes(faults: list[ErrorDetails]) -> list[ErrorDetails]:
    """Leave out what follows from others: pydantic calls a list too short whose only item it has refused."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"] for place in places)
    ]


def did_you_mean(schema: type[BaseModel], path: Sequence[str], key: str = "") -> str:
    """Ask whether a key was meant that the schema has and that is written nearly so; nothing where none is.

    ``path``: the names down to the unknown key; ``key``: where the schema stands, for the message.
    """
    at = _schemas_at(schema, path[:-1])
    names = [name for each in at for name in fields_of(each)]
    near = [] if path[-1] in names else get_close_matches(path[-1], names, n=1)
    return f"did you mean {'.'.join([key, *path[:-1], near[0]]).strip('.')}?" if near else ""


def is_mapping(schema: type[BaseModel], path: Sequence[str]) -> bool:
    """Tell whether the key at ``path`` takes any names below it."""
    here = [fields_of(each).get(path[-1]) for each in _schemas_at(schema, path[:-1])]
    return any(get_origin(annotation) is dict for annotation in here)


def _schemas_at(schema: type[BaseModel], path: Sequence[str]) -> list[type[BaseModel]]:
    at = [schema]
    for part in path:  # numbers of a list, and kinds of value, are no fields: there the schemas stay
        at = [inner for each in at for inner in _schemas_in(fields_of(each).get(part))] or at
    return at


def fields_of(schema: type[BaseModel]) -> dict[str, Any]:
    """List the keys of a schema, and the type of each."""
    return {field.alias or name: field.annotation for name, field in schema.model_fields.items()}


def _schemas_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _schemas_in(part)


def _in_words(fault: ErrorDetails, key: str, schema: type[BaseModel]) -> str:
    # of a value that may be of several kinds, pydantic adds the kind that it tried
    parts = [str(part) for part in fault["loc"] if not _KIND.fullmatch(str(part))]
    place = ".".join([key, *parts]).strip(".")
    if fault["type"] == "extra_forbidden":
        # what is read as a whole is a command line; a part may be a file's, which --help does not know
        advice = f"{did_you_mean(schema, parts, key)}{'' if key else ' --help lists them'}".strip()
        return f"{place}: no such key{advice and f'; {advice}'}"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{place}: {message}" if place else message
    if fault["type"] == "tuple_type":
        message = f"expected a list, such as {parts[-1] if parts else key}=[{fault['input']}]"
    return f"{place}={fault['input']}: {message[0].lower()}{message[1:]}"
