"""The network that comes with the package: ``ckpt=builtin``. What it is and how good: docs/model_card.md."""

from pathlib import Path
from typing import Any

from c2fpose.base.errors import UserError

BUILTIN = "builtin"
PREDICT_POWER = 4.0  # found after its file was made, which does not hold it: docs/model_card.md
BUILTIN_FILE = Path(__file__).resolve().parent.parent / "builtin" / "people.safetensors"


def checkpoint_path(ckpt: str | Path) -> Path:
    """Find the file of a checkpoint: the package's own for ``builtin``, else the one that a path names.

    Raises ``UserError`` where the installed package has lost its own.
    """
    if str(ckpt) != BUILTIN:
        return Path(ckpt)
    if not BUILTIN_FILE.is_file():
        raise UserError(f"ckpt={BUILTIN}: {BUILTIN_FILE} is missing; install c2fpose again, or give a checkpoint")
    return BUILTIN_FILE


def with_later_findings(ckpt: str | Path, model: dict[str, Any]) -> dict[str, Any]:
    """Add to the package's own network's configuration what was found after it was made; others stay."""
    decoding = model.get("decoding")
    if checkpoint_path(ckpt).resolve() != BUILTIN_FILE.resolve() or not isinstance(decoding, dict):
        return model
    return model | {"decoding": {"predict_power": PREDICT_POWER} | decoding}
