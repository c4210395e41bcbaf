"""The report: one offline file, the same bytes from the same folder, the right numbers, a word where one is missing."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_run import made_round, make_run, tasks_of

from turnwise.core.chance import generator
from turnwise.core.errors import RunFolderError
from turnwise.core.run_folder import RunFolder
from turnwise.core.types import ROOT, CreditTable, End, Episode, Leaf, Message, Task, Turn
from turnwise.measure.intervals import success_rate
from turnwise.measure.paired import paired_difference
from turnwise.measure.report import build_report
from turnwise.measure.report.endings import length_picture
from turnwise.measure.report.page import RATE, RETURN, short, signed
from turnwise.measure.report.record import read_record
from turnwise.measure.report.transcripts import column, evaluation_gallery, training_gallery
from turnwise.measure.report.verdict import compare, headline
from turnwise.measure.rows import by_task


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with everything in it. Tests that change a run copy it."""
    path = tmp_path_factory.mktemp("runs") / "made"
    make_run(path, rounds=4, tasks=12).close()
    return path


@pytest.fixture(scope="module")
def html(run: Path) -> str:
    return build_report(run).read_text()


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "copy"))


class Page(HTMLParser):
    """Tags that must close do close; addresses, ids and text are collected."""

    VOID = {"meta", "br", "link", "img", "input", "hr"}

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "srcset", "action", "data")]
        self.ids += [v or "" for k, v in attrs if k == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def page(path: Path) -> Page:
    return Page(build_report(path).read_text())


def test_one_file_that_loads_nothing(html: str) -> None:
    read = Page(html)
    assert all(link.startswith("#") for link in read.links)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", html)
    assert len(read.ids) == len(set(read.ids)), "ids of several pictures must not clash"
    assert {link[1:] for link in read.links} | set(re.findall(r"url\(#([^)]+)\)", html)) <= set(read.ids)
    assert not re.search(r"#f0e1", html), "a stand-in colour is left: it would not follow the theme"


def test_the_same_folder_gives_the_same_bytes(html: str, copy: Path) -> None:
    assert build_report(copy).read_text() == html.replace("<dd>made</dd>", "<dd>copy</dd>")


def test_the_headline_is_the_paired_comparison(run: Path, html: str) -> None:
    folder = RunFolder.open(run)
    before, after = (list(folder.episodes(s)) for s in ("evaluate-before", "evaluate-after"))
    scores = [[e.success for e in side] for side in (after, before)]
    tasks = [[e.task.key for e in side] for side in (after, before)]
    a, b = (by_task([None if s is None else float(s) for s in x], t) for x, t in zip(scores, tasks, strict=True))
    paired = paired_difference(a, b, rng=generator(7, "report", "paired"))
    text = Page(html).text
    assert f"Success rose from {100 * paired.mean_b:.0f} % to {100 * paired.mean_a:.0f} %" in text
    assert f"{100 * paired.low:+.0f} to {100 * paired.high:+.0f}" in text
    alone = success_rate([None if s is None else float(s) for s in scores[0]], tasks[0])
    assert f"{100 * alone.low:.0f} % to {100 * alone.high:.0f} %" in text
    assert "turnwise train guess --recipe made --seed 7" in text and "9f86d081884c7d65" in text


def test_noise_is_not_called_progress(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path / "run", {}, 1, [], {}) as folder:
        made_round(folder, "evaluate-before", 0, tasks_of("eval", 8, 1), 2, 0.5, 1)
        made_round(folder, "evaluate-after", 0, tasks_of("eval", 8, 1), 2, 0.65, 1)
    found = compare(read_record(tmp_path / "run"))[0]
    assert found.paired.low < 0 < found.paired.high
    assert found.direction == "unclear" and headline(found).endswith("within the noise.")
    text = page(tmp_path / "run").text
    assert "Only 8 tasks" in text and "one run with one seed" in text


@pytest.mark.parametrize(
    ("low", "p", "words"),
    [(0.02, 0.01, "rose"), (-0.02, 0.2, "within the noise"), (0.01, 0.07, "edge"), (None, 1.0, "within")],
)
def test_the_words_follow_interval_and_test(run: Path, low: float | None, p: float, words: str) -> None:
    found = compare(read_record(run))[0]
    high = None if low is None else 0.3
    assert words in headline(replace(found, paired=replace(found.paired, low=low, high=high, p=p)))


def test_a_demonstrator_is_not_taken_for_the_agent(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path / "run", {}, 1, [], {}) as folder:
        made_round(folder, "imitate", 0, tasks_of("train", 6, 1), 1, 1.0, 1)
        made_round(folder, "evaluate-after", 0, tasks_of("eval", 6, 1), 1, 0.5, 1)
    assert "In imitate teacher plays, not the trained agent." in page(tmp_path / "run").text


def test_every_picture_has_its_table(run: Path, html: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", html, re.S)
    assert len(figures) >= 15
    assert all("<svg" not in f or "<summary>Table</summary>" in f for f in figures)
    record = read_record(run)
    for line in record.training:
        assert f"<td>{short(line['update']['gradient_norm'])}</td>" in html
        assert (
            f"<td>{RETURN.value(line['return']['value'], (line['return']['high'] - line['return']['low']) / 2)}</td>"
            in html
        )


def test_lengths_count_every_episode(run: Path, html: str) -> None:
    record = read_record(run)
    svg = str(length_picture(record).svg)
    assert svg.count("<pattern") == 2, "cuts before and after are hatched"
    table = re.search(r"Endings, counted.*?</table>", html, re.S).group(0)
    total = [len([e for e in side if e.ends]) for side in (record.before, record.after)]
    assert re.search(rf"<td>all</td><td></td><td></td><td>{total[0]}</td><td>{total[1]}</td>", table)


def test_missing_numbers_are_said(copy: Path) -> None:
    log = copy / "metrics.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line["update"] = {k: v for k, v in line["update"].items() if k != "zero_credit_share"} | {"entropy": None}
        del line["seconds"], line["ends"]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = page(copy).text
    for missing in ("update.zero_credit_share", "update.entropy", "seconds", "ends"):
        assert f"Not in this run: no line of metrics.jsonl has {missing}" in text
    assert "update.gradient_norm" not in text


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        ("metrics.jsonl", "no line of metrics.jsonl has a value for success"),
        ("credit", "No credit was written in this run folder"),
        ("episodes", "Nobody can say from this folder"),
    ],
)
def test_a_report_of_half_a_run(copy: Path, gone: str, says: str) -> None:
    path = copy / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert says in page(copy).text


def test_a_run_that_has_just_begun_and_one_that_only_evaluates(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path / "begun", {}, 1, [], {}):
        assert "Nobody can say" in page(tmp_path / "begun").text
    with RunFolder.create(tmp_path / "one", {}, 1, [], {}) as folder:
        made_round(folder, "evaluate", 0, tasks_of("eval", 12, 1), 2, 0.5, 1)
    text = page(tmp_path / "one").text
    assert re.search(r"Success is \d+ % on 12 tasks", text) and "no second evaluation" in text


def test_damage_stands_on_top(copy: Path) -> None:
    with open(copy / "metrics.jsonl", "a") as file:
        file.write('{"stage": "impr')
    assert "metrics.jsonl: line 7 is torn off and is skipped" in page(copy).text


def test_no_run_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no run.json"):
        build_report(tmp_path)


# --- episodes on the page


def test_pairs_are_of_the_same_task_and_not_picked(run: Path) -> None:
    record = read_record(run)
    gallery = evaluation_gallery(record)
    keys = [pair.title.split(":")[0].removeprefix("Task ") for pair in gallery.pairs]
    solved_later = [
        key
        for key in dict.fromkeys(e.task.key for e in record.before)
        if [next(e for e in side if e.task.key == key).success for side in (record.before, record.after)]
        == [False, True]
    ]
    assert keys[:2] == solved_later[:2]
    assert f"({len(solved_later)} of 24 tasks)" in gallery.pairs[0].title
    assert all(len(pair.columns) == 2 for pair in gallery.pairs)


def test_credit_colours_the_turns(run: Path, html: str) -> None:
    record = read_record(run)
    gallery = training_gallery(record)
    (ids, table) = record.folder.credit("improve", 0)["potential"]
    episode = next(record.folder.episodes("improve", [0]))
    shown = [b for b in gallery.pairs[0].columns[0].bubbles if b.side == "ours"]
    values = table.values[ids.index(episode.id)]
    assert [b.credit for b in shown] == [signed(v, 2) for v in values]
    assert all(np.sign(b.strength) == np.sign(v) for b, v in zip(shown, values, strict=True))
    assert gallery.rule == "potential" and max(abs(b.strength) for b in shown) <= 1
    assert 'style="--k:' in html and f"credit {signed(values[0], 2)}" in html


def test_text_of_episodes_is_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> & <b>\x00"
    turn = Turn(ROOT, 0, "agent", (Message("user", evil),), Message("assistant", evil + "x" * 800), {"agent": 1.0})
    with RunFolder.create(tmp_path / "run", {"note": evil}, 1, ["turnwise", evil], {}) as folder:
        for stage in ("evaluate-before", "evaluate-after"):
            folder.append(
                [Episode(f"{stage}/a", Task("a", evil), (turn,), (Leaf(0, End.DONE, {}, {"success": True}),))],
                stage,
                0,
            )
    html = build_report(tmp_path / "run").read_text()
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)" in html
    assert html.count("<script") == 1 and "\x00" not in html and "␀" in html


def test_seats_tools_trees_and_token_credit() -> None:
    call = Message("assistant", "", ({"name": "book", "arguments": {"seats": 2}},))
    turns = (
        Turn(ROOT, 0, "user", (), Message("user", "two seats"), {}),
        Turn(0, 1, "agent", (Message("user", "two seats"),), call, {"agent": 0.0}),
        Turn(1, 2, "agent", (Message("tool", "booked", writer="book"),), Message("assistant", "done"), {}),
    )
    episode = Episode("e", Task("a", "w"), turns, (Leaf(2, End.DONE, facts={"success": True}), Leaf(1, End.LEFT)))
    table = CreditTable("t", "token", [[float("nan"), np.array([0.5, 1.5], np.float32), np.zeros(0, np.float32)]])
    shown = column(episode, "t", "after", {"e": (table, 0)}, 2.0)
    assert [(b.who, b.side, b.text) for b in shown.bubbles] == [
        ("user", "theirs", "two seats"),
        ("agent", "ours", ""),
        ("tool (book)", "theirs", "booked"),
        ("agent", "ours", "done"),
    ]
    assert shown.bubbles[1].calls == ("book(seats=2)",) and shown.bubbles[1].credit == "+1.00"
    assert shown.bubbles[1].strength == 0.5
    assert (shown.bubbles[3].credit, shown.bubbles[3].reward) == (None, None), "no credit and no reward are not zero"
    assert "first of 2 paths" in shown.outcome


def test_numbers_are_written_as_people_write_them() -> None:
    assert [signed(x, 2) for x in (0.5, -0.5, -0.001)] == ["+0.50", "−0.50", "0.00"]
    assert (RATE.value(0.294, 0.1), RATE.difference(-0.05), RETURN.value(None)) == ("29 %", "−5", "–")
    assert [short(x) for x in (2.3e-6, 1234.0, 0.25, -3.0, None)] == ["2.3e−6", "1234", "0.250", "−3", "–"]
