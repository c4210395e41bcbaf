"""Mean and spread of all numbers so far, kept in three numbers (Welford; batches merged after Chan et al.)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np


@dataclass
class Running:
    """What is known of a stream of numbers."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared distances from the mean

    def note(self, values: Sequence[float]) -> None:
        """Take in a batch."""
        new = np.asarray(values, np.float64)
        if not len(new):
            return
        apart, total = float(new.mean()) - self.mean, self.count + len(new)
        self.squares += float(((new - new.mean()) ** 2).sum()) + apart**2 * self.count * len(new) / total
        self.mean += apart * len(new) / total
        self.count = total

    @property
    def std(self) -> float:
        """Unbiased standard deviation; 1 while all were the same, since dividing by 0 says nothing."""
        std = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0
        return std if std > 1e-8 * max(1.0, abs(self.mean)) else 1.0

    def save(self, file: Path) -> None:
        """Its three numbers, to the last bit."""
        file.write_text(json.dumps(asdict(self)) + "\n")

    def load(self, file: Path) -> None:
        """What `save` wrote."""
        found = json.loads(file.read_text())
        self.count, self.mean, self.squares = found["count"], found["mean"], found["squares"]
