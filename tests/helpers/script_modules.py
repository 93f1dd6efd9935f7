"""Scripts as modules, for tests of what they compute."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "scripts"


def loaded(name: str) -> ModuleType:
    """Import ``scripts/NAME.py``."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))  # scripts import one another
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
