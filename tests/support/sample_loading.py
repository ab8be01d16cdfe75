"""The samples of public formats as the loaders read them, whole or with fields of one record replaced."""

from __future__ import annotations

import json
from pathlib import Path

from public_samples import LINES, SAMPLES

from voirdire.suites.loaders import Loaded, load

__all__ = ["ALL", "changed", "loaded"]

ALL = {**SAMPLES, **LINES}


def loaded(name: str, folder: Path) -> Loaded:
    return load(ALL[name].write(folder))


def changed(name: str, folder: Path, index: int = 0, **fields: object) -> Loaded:
    """The sample with some fields of one record replaced."""
    sample = ALL[name]
    content = json.loads(json.dumps(sample.content))
    records = content
    for key in sample.inside:
        records = records[key]
    records[index].update(fields)
    return load(sample.write(folder, content))
