"""turnwise: simulate, train, guide and evaluate agents that act over many turns."""

__version__ = "0.1.0"
