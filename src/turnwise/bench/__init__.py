"""Benchmarks of speed: both sides of every ratio are taken in one run."""
