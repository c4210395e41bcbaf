"""Several seats that learn: what each may say, whose rows and credit are whose, and runs with a policy for each."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import turnwise
from made_play import Made
from turnwise.agents.company import demonstrators, in_company
from turnwise.agents.scripted import ScriptedAgent
from turnwise.agents.spec import policy_of, seat
from turnwise.api.evaluating import evaluate, take_seat
from turnwise.api.runs import open_run
from turnwise.core.beside import credit_table as stored
from turnwise.core.beside import read_credit
from turnwise.core.chance import Chance
from turnwise.core.cursor import Cursor
from turnwise.core.errors import TurnwiseError, UnknownName, WrongPairing
from turnwise.core.types import CreditTable, End, Moment, Update
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.explore import Independent, Table
from turnwise.learn.credited import credit_table
from turnwise.learn.seats import SideBySide, of_seats
from turnwise.learn.sequences import rows_of
from turnwise.measure.rounds import measure_round
from turnwise.worlds import make

NAN = math.nan


# --- what a seat may say ---


def test_each_seat_has_its_own_list_where_several_have_the_move():
    moment = Moment({}, ("agent", "user"), legal_of={"agent": ("a",), "user": ("b", "c")})
    assert [moment.legal_for(s) for s in ("agent", "user", "other")] == [("a",), ("b", "c"), None]
    one = Moment({}, ("user",), legal=("b",))
    assert one.legal_for("user") == ("b",) and one.legal_for("agent") is None
    assert Moment({}, (), end=End.DONE, legal=("b",)).legal_for("agent") is None


def test_views_show_a_seat_what_it_may_say():
    world = make("safe-answers")
    cursor = Cursor(world.live(), world.tasks("train")[0], Chance(1))
    cursor.begin()
    assert len(cursor.view("agent").legal) == 3 and cursor.view("feedback").legal is None


def test_seats_that_nobody_was_chosen_for_have_companions():
    world = make("safe-answers")
    mine = ScriptedAgent(world.expert("obedient"), "obedient")
    assert {s: a.name for s, a in in_company(world, {"agent": mine}).items()} == {
        "agent": "obedient",
        "feedback": "silent",
    }
    assert {s: a.name for s, a in demonstrators(world).items()} == {"agent": "rough", "feedback": "rough"}
    assert list(in_company(Made(), {"agent": mine})) == ["agent"], "a world without companions leaves the seat empty"
    with pytest.raises(UnknownName, match="did you mean 'judge'"):
        world.expert("judgee", "feedback")


# --- whose credit ---


def played(count=6):
    world = make("safe-answers")
    table = Table(world, demonstrators(world), 0)
    return table.collect(Independent(), world.tasks("train")[:count])


class Letters:
    """The part of a chat that rows need."""

    extends, stop_ids = True, ()
    open = staticmethod(lambda messages: [1])
    extend = staticmethod(lambda messages, closed: [2])
    text_ids = staticmethod(lambda text: [3, 4])


def test_a_table_speaks_of_one_seats_turns():
    episodes = played()
    tables = {}
    for name in ("agent", "feedback"):
        rows = rows_of(episodes, Letters(), name)
        tables[name] = credit_table(RewardToGo(), episodes, rows, None, seat=name)
        assert tables[name].seat == name
        for episode, values in zip(episodes, tables[name].values, strict=True):
            assert [not math.isnan(v) for v in values] == [turn.seat == name for turn in episode.turns]
            assert np.nansum([values[i] for i in episode.path()][:2]) == pytest.approx(episode.total(name))
    assert [t.name for t in tables.values()] == ["reward-to-go", "reward-to-go@feedback"]
    with pytest.raises(TurnwiseError, match="rows of feedback"):
        credit_table(RewardToGo(), episodes, rows_of(episodes, Letters(), "feedback"), None)


def test_a_learner_reads_the_credit_of_its_seats():
    one = CreditTable("a", "turn", [[1.0, NAN]])
    other = CreditTable("b@user", "turn", [[NAN, 2.0]], seat="user")
    assert of_seats([one, other], ["agent"]) is one and of_seats([one, other], ["user"]) is other
    both = of_seats([one, other], ["agent", "user"])
    assert (both.name, both.unit, both.values) == ("a + b@user", "turn", [[1.0, 2.0]])
    tokens = CreditTable("c@user", "token", [[NAN, np.ones(2)]], seat="user")
    for tables, seats in (([one], ["user"]), ([one, one], ["agent"]), ([one, tokens], ["agent", "user"])):
        with pytest.raises(TurnwiseError, match="next: "):
            of_seats(tables, seats)


def test_a_table_comes_back_with_its_seat():
    episodes = played(2)
    for name in ("agent", "feedback"):
        table = credit_table(RewardToGo(), episodes, rows_of(episodes, Letters(), name), None, seat=name)
        laid = stored(episodes, table, "improve", 0)
        assert ("seat" in laid.column_names) == (name != "agent")
        ids, again = read_credit(laid)
        assert ids == [e.id for e in episodes] and again.seat == name and again.name == table.name


class Counting:
    """A learner that says how many episodes it got."""

    def __init__(self):
        self.got = 0

    def learn(self, batch, progress):
        progress(1.0)
        self.got += 1
        return [Update("weights", self.got - 1, self.got, {"loss": float(self.got)})]

    def save(self, directory):
        (directory / "got").write_text(str(self.got))

    def load(self, directory):
        self.got = int((directory / "got").read_text())


def test_learners_side_by_side_keep_their_seats_and_their_state(tmp_path):
    both, told = SideBySide({"agent": Counting(), "user": Counting()}), []
    both.learners["user"].got = 4
    updates = both.learn(None, told.append)
    assert [(u.seat, u.after) for u in updates] == [("agent", 1), ("user", 5)] and told == [0.5, 1.0]
    line = measure_round("improve", 0, "train", played(), updates, {})
    assert line["update"] == {"loss": 1.0, "loss@user": 5.0} and line["version"] == 1
    assert line["return@feedback"]["value"] is not None
    both.save(tmp_path)
    again = SideBySide({"agent": Counting(), "user": Counting()})
    again.load(tmp_path)
    assert [learner.got for learner in again.learners.values()] == [1, 5]


# --- a run with two policies, and one with one policy for both ---

SMALL = {"demos": 12, "demo_epochs": 1, "rounds": 1, "feedback_rounds": 1, "tasks": 8, "max_new": 6, "evaluate": 1}


@pytest.fixture(scope="module", params=[False, True], ids=["two policies", "one for both"])
def run(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    settings = SMALL | {"together": request.param}
    return turnwise.train("safe-answers", "dir", model="scratch:nano", settings=settings, out=out, seed=5)


def test_each_seats_policy_is_in_the_checkpoint(run):
    together = run.spec.settings.together
    checkpoint = run.folder.latest_checkpoint()
    seats = json.loads((checkpoint / "seats.json").read_text())
    assert seats == {"agent": "policy", "feedback": "policy" if together else "policy@feedback"}
    main, other = run.policy(), run.policy("feedback")
    same = [torch.equal(a, b) for a, b in zip(main.parameters(), other.parameters(), strict=False)]
    assert all(same) if together else not any(same)
    assert main.version == (3 if together else 2) and other.version == 3
    with pytest.raises(UnknownName, match="did you mean 'feedback'"):
        policy_of(checkpoint, "feedbck")


def test_alone_the_adviser_learns_and_together_both(run):
    kept = run.folder.credit("feedback", 0)
    assert list(kept) == ["dir@feedback"]
    assert sorted(run.folder.credit("improve", 0)) == ["dir@feedback", "scored"]
    ids, table = run.folder.credit("improve", 0)["scored"]
    episodes = {e.id: e for e in run.folder.episodes("improve")}
    for id, values in zip(ids, table.values, strict=True):
        credited = [turn.seat for turn, value in zip(episodes[id].turns, values, strict=True) if not math.isnan(value)]
        assert credited == ["agent"], "one answer of each episode is drawn"


def words(evaluation):
    return [[(turn.seat, turn.message.text) for turn in episode.turns] for episode in evaluation.episodes]


def test_a_trained_agent_brings_those_who_learned_with_it(run):
    found = evaluate(f"run:{run.path}", seed=5, episodes=40)
    assert words(found) == words(run.after)
    alone = evaluate(f"run:{run.path}", seed=5, episodes=40, others={"feedback": "script:silent"})
    assert alone.noted["flagged"].value == 0 and alone.noted["calls"].value == 2
    assert [said[0] for said in words(alone)] == [said[0] for said in words(found)]


def test_a_learned_adviser_can_sit_with_anybody(run):
    spec = f"run:{run.path}@feedback"
    found = evaluate("script:obedient", "safe-answers", seed=5, episodes=40, others={"feedback": spec})
    assert found.episodes[0].origin["agents"] == {"agent": "obedient", "feedback": spec}
    assert found.as_json()["other_returns"]["feedback"]["n"] == 40
    assert found.noted["calls"].value == pytest.approx(2 + found.noted["flagged"].value)
    with pytest.raises(UnknownName, match="did you mean 'feedback'"):
        take_seat(f"run:{run.path}", None, others={"feedbak": "script:silent"})
    assert seat(spec, make("safe-answers"), at="feedback").agent.name == spec


def test_a_world_without_the_seats_is_refused(tmp_path):
    with pytest.raises(WrongPairing, match="safe-answers"):
        turnwise.train("maze", "dir", model="scratch:nano", out=tmp_path / "run")


def test_reports_and_credit_are_there_as_for_one_seat(run):
    assert open_run(run.path).report().exists()
    assert run.folder.metrics()[-1]["return@feedback"]["value"] is not None


def test_players_who_move_at_once_have_their_own_lists():
    world = make("social-deduction-small", seated="all")
    cursor = Cursor(world.live(), world.tasks("train")[0], Chance(1))
    cursor.begin()
    assert len(cursor.moment.to_act) == len(world.seats) > 2 and cursor.moment.legal is None
    assert all("wait" in cursor.view(seat).legal for seat in world.seats)
    assert len({cursor.view(seat).legal for seat in world.seats}) > 1
