"""Benchmarks: of speed, both sides of every ratio in one run, and of credit rules, against exact values."""
