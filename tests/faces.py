"""What the dialects bring to the tests of all faces.

A dialect goes with its folder and its line of addresses. So what only it can say (how a client of it takes a test,
what the world needs for it) lies in its own ``tests`` folder and is found there, never imported by name.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import cbt.faces

FOLDER = Path(next(iter(cbt.faces.__path__)))
PRESENT = sorted(found.parent.name for found in FOLDER.glob("*/__init__.py"))


def parts(name: str) -> list[ModuleType]:
    """Return ``cbt/faces/*/tests/{name}.py`` of every dialect that has one, by name of the dialect."""
    with_one = [face for face in PRESENT if (FOLDER / face / "tests" / f"{name}.py").is_file()]
    return [import_module(f"cbt.faces.{face}.tests.{name}") for face in with_one]
