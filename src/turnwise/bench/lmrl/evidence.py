"""What docs/LMRL.md is made of: the figures of `turnwise bench lmrl --store`, kept beside the code."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from turnwise.api.defaults import MODEL
from turnwise.bench.lmrl.games import SOURCE

PLACE = Path(__file__).with_name("evidence.json")


@lru_cache
def evidence() -> dict[str, Any]:
    """As `turnwise.bench.lmrl.run.bench_lmrl` gives it; without games as long as none was kept."""
    if not PLACE.is_file():
        return {"model": MODEL, "source": SOURCE, "games": {}}
    return json.loads(PLACE.read_text("utf-8"))
