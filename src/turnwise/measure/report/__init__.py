"""The report of a run: one HTML file that opens offline and reads only the run folder.

`build_report` gathers (record.py), compares (verdict.py), draws (outcomes.py, endings.py, learning.py, with svg.py),
picks episodes (transcripts.py) and fills template.html. The same folder gives the same bytes.
"""

from __future__ import annotations

from turnwise.measure.report.build import build_report

__all__ = ["build_report"]
