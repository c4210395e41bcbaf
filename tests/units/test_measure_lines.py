"""Of a tree, only the paths that nobody chose estimate how the policy plays."""

from __future__ import annotations

from made_play import Made, nano
from turnwise.agents.plain import PlainAgent
from turnwise.core.types import ROOT, End, Episode, Leaf, Message, Task, Turn
from turnwise.explore import Branching, Table
from turnwise.measure.lines import lines
from turnwise.measure.rounds import measure_round
from turnwise.models.engine import Engine
from turnwise.models.sampling import Sampling


def tree(parents, leaves):
    """Turns by their parents, and the leaves as {turn: success}; each turn earns 1."""
    said = Message("assistant", "x")
    turns = tuple(Turn(parent, number, "agent", (), said, {"agent": 1.0}) for number, parent in enumerate(parents))
    ends = tuple(Leaf(turn, End.DONE, facts={"success": ok}) for turn, ok in leaves.items())
    return Episode("r/t/0", Task("t", "w"), turns, ends)


FORKED = tree([ROOT, 0, 1, 0, ROOT], {2: False, 3: True, 4: True})


def test_a_path_that_began_at_a_fork_is_no_line():
    assert lines(tree([ROOT, 0, 1], {2: True})) == [0]
    assert lines(FORKED) == [0, 2], "both that began at the prompt, not the branch off turn 0"


def test_a_round_scores_the_lines_and_counts_every_call_once():
    found = measure_round("improve", 0, "train", [FORKED], [], {})
    assert found["success"]["value"] == 0.5 and found["success"]["n"] == 2
    assert found["return"]["value"] == found["turns"]["value"] == 2.0
    assert found["calls"] == 5 and found["episodes"] == 1 and found["ends"] == {End.DONE.value: 3}


def test_branching_leaves_as_many_lines_as_roots():
    engine, world = Engine(nano("maze")), Made(turns=6)
    table = Table(world, {"agent": PlainAgent(engine, Sampling(max_new=6))}, 0, drive=engine.run)
    for grown in table.collect(Branching(8, 3, even=1.0), world.tasks("train")[:2]):
        assert len(grown.ends) == 8 and len(lines(grown)) == 3
