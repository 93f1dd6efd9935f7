"""The network that comes with the package: ``ckpt=builtin``. What it is and how good: docs/model_card.md."""

import filecmp
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
    """Add to the package's own network's configuration, of a copy too, what was found after it was made."""
    decoding = model.get("decoding")
    if not isinstance(decoding, dict) or not _is_builtin(checkpoint_path(ckpt)):
        return model
    return model | {"decoding": {"predict_power": PREDICT_POWER} | decoding}


def _is_builtin(path: Path) -> bool:
    try:
        return filecmp.cmp(path, BUILTIN_FILE, shallow=False)
    except OSError:  # a package that has lost its own
        return False
