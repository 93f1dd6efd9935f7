"""Where a result comes from: code version, configuration, data, machine. Carried by checkpoints and tables alike."""

import hashlib
import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from c2fpose import __version__


def code_version() -> str:
    """Tell the package's version, with the commit in a checkout and ``+changed`` where files differ from it."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return __version__

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True).stdout

    try:
        commit = git("rev-parse", "--short=12", "HEAD").strip()
        changed = (
            "+changed" if git("status", "--porcelain", "--untracked-files=no", "--", "src", "conf").strip() else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{__version__}+{commit}{changed}"


def config_hash(config: BaseModel | dict[str, Any], without: tuple[str, ...] = ()) -> str:
    """Hash a configuration in few letters, independent of the order of its keys; top-level keys can be left out."""
    values = config.model_dump(mode="json") if isinstance(config, BaseModel) else config
    kept = {key: value for key, value in values.items() if key not in without}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(configuration: BaseModel, fingerprints: dict[str, str], **more: Any) -> dict[str, Any]:
    """Collect what every result carries. ``fingerprints``: SHA-256 of each data file, by split."""
    return {
        "code_version": code_version(),
        "config_hash": config_hash(configuration, without=("run_dir", "resume", "overwrite", "logger", "name")),
        "configuration": configuration.model_dump(mode="json"),
        "data_fingerprints": fingerprints,
        "torch": version("torch"),  # asked of the installation: commands that need no PyTorch read this file
        "python": platform.python_version(),
        "processor": platform.machine(),
        **more,
    }
