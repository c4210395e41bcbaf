"""From a run folder to report.html."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from turnwise.core.durable import write_file
from turnwise.core.jsontext import to_json
from turnwise.measure.report.beside import Laid, grids
from turnwise.measure.report.culprits import culprits_card
from turnwise.measure.report.endings import endings_card, endings_over_rounds, length_picture
from turnwise.measure.report.learning import gauges, other_numbers, time_per_round, time_picture
from turnwise.measure.report.outcomes import curve_picture, interval_picture, turn_picture
from turnwise.measure.report.page import CONTROLS, RATE, RETURN, Section, Table, count
from turnwise.measure.report.proxies import pictures as proxies
from turnwise.measure.report.record import Record, read_record
from turnwise.measure.report.repeats import repeats_card
from turnwise.measure.report.transcripts import evaluation_gallery, training_gallery
from turnwise.measure.report.verdict import caveats, compare, details, headline


def build_report(run_dir: str | Path, laid: Laid | None = None) -> Path:
    """Write `report.html` into a run folder, from nothing but what the folder holds.

    Args:
        laid: credit of several rules on the same episodes, to be shown side by side.

    Returns:
        the path of the report: one file that loads nothing from elsewhere.

    Raises:
        RunFolderError: it is no run folder, an evaluation cannot be read, or the disk is full.
    """
    path = Path(run_dir)
    write_file(path / "report.html", render(read_record(path), laid).encode(), path)
    return path / "report.html"


def render(record: Record, laid: Laid | None = None) -> str:
    """The page as text."""
    pages = Environment(
        loader=PackageLoader("turnwise.measure.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found = compare(record)
    page = pages.get_template("template.html").render(
        title=title_of(record),
        facts=facts_of(record),
        command=shlex.join(record.folder.info.get("command", [])),
        problems=record.folder.found,
        comparisons=[(c, headline(c), details(c)) for c in found],
        caveats=caveats(record, found),
        sections=sections(record, found, laid),
        evaluated=evaluation_gallery(record),
        trained=training_gallery(record),
        beside=grids(laid) if laid else [],
        left_out=laid.left_out if laid else [],
        others=other_numbers(record),
        settings=settings_table(record.folder.info.get("settings", {})),
        versions=Table(["what", "version or hash"], versions(record.folder.info)),
    )
    return page.translate(CONTROLS)


def sections(record: Record, found: list[Any], laid: Laid | None) -> dict[str, Section]:
    """The parts of the page that are figures, by id."""
    verdict = Section("verdict", "Did it get better?", "", [interval_picture(c) for c in found])
    curves = [curve_picture(record, "success", RATE), curve_picture(record, "return", RETURN)]
    lines = "Rounds play training tasks, evaluations held-out ones: compare dots with dots, lines with lines."
    ends = [turn_picture(record), length_picture(record), endings_over_rounds(record), endings_card(record)]
    ends += filter(None, [repeats_card(record, laid), culprits_card(record)])
    health = "What every round's update looked like. A run can end well and still be unhealthy here."
    shown = [
        verdict,
        Section("curves", "Over the run", lines, curves),
        Section("episodes", "How episodes go", "How soon they are solved, how long they take, how they end.", ends),
        Section("learning", "How it learned", health, [*gauges(record), *proxies(record)]),
        Section("time", "Where the time went", "", [time_picture(record), time_per_round(record)]),
    ]
    return {section.id: section for section in shown}


def title_of(record: Record) -> str:
    """World and recipe, as far as the run says them."""
    info = record.folder.info
    world = record.setting("world") or ", ".join(info.get("worlds", {})) or "a run"
    recipe = record.setting("recipe")
    names = [n if isinstance(n, str) else n.get("name", "") if isinstance(n, dict) else "" for n in (recipe, world)]
    return " on ".join(n for n in names if n) or "a run"


def facts_of(record: Record) -> list[tuple[str, str]]:
    """The line under the title."""
    info = record.folder.info
    episodes = sum(line.get("episodes") or 0 for line in record.lines)
    machine = info.get("machine", {})
    cores = f", {count(machine['cores'], 'core')}" if machine.get("cores") else ""
    return [
        ("seed", str(info.get("seed", "not recorded"))),
        ("model", str(record.setting("model") or "not recorded")),
        ("training rounds", str(len(record.training))),
        ("episodes", f"{episodes:,}".replace(",", " ")),
        ("turnwise", info.get("versions", {}).get("turnwise", "not recorded")),
        ("machine", f"{machine.get('system', 'not recorded')} {machine.get('processor', '')}{cores}"),
        ("folder", record.folder.path.resolve().name),
    ]


def settings_table(settings: dict[str, Any]) -> Table:
    """Every setting as resolved, nested ones by their dotted name."""
    return Table(["setting", "value"], [list(row) for row in flat(settings)])


def flat(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Dotted names and values as text."""
    rows: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, value if isinstance(value, str) else to_json(value, name)))
    return rows


def versions(info: dict[str, Any]) -> list[list[str]]:
    """Packages and worlds."""
    worlds = [[f"world {name}", hash] for name, hash in info.get("worlds", {}).items()]
    return [*([name, version] for name, version in info.get("versions", {}).items()), *worlds]
