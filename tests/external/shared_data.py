"""Finds third-party test data, which is not part of this repository.

Looked for in the directory that QUITTANCE_SHARED names, else in ``../shared`` beside the
repository; tests that need it are skipped with this reason where it is absent.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_file(name: str) -> Path:
    """Return the path of a shared data file, e.g. ``charges/charge_model_cases.json``."""
    directory = Path(os.environ.get("QUITTANCE_SHARED") or ROOT.parent / "shared")
    path = directory / "data" / name
    if not path.exists():
        pytest.skip(
            f"third-party data data/{name} is absent; put it into ../shared or name its "
            "directory in QUITTANCE_SHARED"
        )
    return path


def shared_json(name: str) -> Any:
    """Return the content of a shared JSON file."""
    return json.loads(shared_file(name).read_text(encoding="utf-8"))
