"""Schemas: immutable values that refuse unknown keys, and how a composed configuration is checked against them."""

import re
from typing import Annotated, Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from c2fpose.base.errors import ConfigError

Positive = Annotated[float, Field(gt=0)]


NonNegative = Annotated[float, Field(ge=0)]


Count = Annotated[int, Field(ge=1)]


class Schema(BaseModel):
    """Immutable values; an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


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
        raise ConfigError("; ".join(_in_words(fault, key) for fault in error.errors())) from None


def _in_words(fault: ErrorDetails, key: str) -> str:
    # of a value that may be of several kinds, pydantic adds the kind that it tried
    parts = [str(part) for part in fault["loc"] if not _KIND.fullmatch(str(part))]
    place = ".".join([key, *parts]).strip(".")
    if fault["type"] == "extra_forbidden":
        return f"{place}: no such key"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{place}: {message}" if place else message
    return f"{place}={fault['input']}: {message[0].lower()}{message[1:]}"
