"""The interview on the DDXPlus tables: rules, rewards and the exact posterior (specs/users/ddxplus)."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest

from turnwise.agents.scripted import ScriptedAgent
from turnwise.core.chance import Chance, generator, key_of
from turnwise.core.cursor import Cursor, play
from turnwise.core.types import Act, Message
from turnwise.measure import calibration
from turnwise.users.acts import DialogueAct
from turnwise.users.draws import Draws
from turnwise.worlds import make
from turnwise.worlds.abstention import CutOff, Fixed, Scale
from turnwise.worlds.interview import NONE, heard
from turnwise.worlds.interview_belief import Belief, expected_entropies, fitting_patient, true_posterior
from turnwise.worlds.interview_differential import differential, spoken
from turnwise.worlds.interview_patients import law, patients
from turnwise.worlds.interview_people import DELICATE, PEOPLE, TRUST
from turnwise.worlds.interview_tables import tables

SMALL = law("small")


def played(expert, count=60, **settings):
    world = make("interview", **{"conditions": "small", **settings})
    agent, found = ScriptedAgent(world.expert(expert), expert), []
    for task in world.tasks("eval")[:count]:
        cursor = asyncio.run(play(Cursor(world.live(), task, Chance(key_of(0, task.key))), {"agent": agent}))
        found.append(cursor.episode("e", {}))
    return found


def started(number=0, **settings):
    world = make("interview", **settings)
    cursor = Cursor(world.live(), world.tasks("train")[number], Chance(1))
    cursor.begin()
    return cursor


def say(cursor, text):
    cursor.take({"agent": Act(Message("assistant", text))})
    return cursor.moment.rewards["agent"]


def knowing(of, patient, names):
    belief = Belief(of, patient.first)
    for name in names:
        belief = belief.hear(name, name in patient.present)
    return belief


def test_the_tables_are_those_of_the_release():
    of = tables()
    kinds = Counter("B" if e.values == ("yes",) else "M" if e.several else "C" for e in of.evidences.values())
    # two of the ten categorical evidences (does the rash peel, is it over 1cm) say yes or no
    assert kinds == {"B": 210, "C": 8, "M": 5} and len(of.conditions) == 49
    assert Counter(e.antecedent for e in of.evidences.values()) == {False: 110, True: 113}
    assert Counter(c.severity for c in of.conditions) == {1: 5, 2: 12, 3: 17, 4: 12, 5: 3}
    assert of.evidences["travel abroad"].code == "E_204" and not of.evidences["travel abroad"].several


def test_inquiries_pay_what_the_sheet_says():
    cursor = started(nu=0.0)
    task = cursor.world._task.params
    there = next(name for name in task["present"] if name != task["first"])
    absent = next(name for name in cursor.world.law.tables.evidences if name not in task["present"])
    assert say(cursor, f"do you have {there}?") == pytest.approx(0.7)
    assert say(cursor, f"any {absent}?") == pytest.approx(-0.3)
    assert [say(cursor, f"ask {name}") for name in (there, absent, task["first"])] == [-1.0] * 3
    assert say(cursor, f"diagnosis {task['condition']}") == 1.0
    wrong = started(nu=0.0, mu=2.0)
    assert say(wrong, next(f"diagnosis {c.name}" for c in tables().conditions if c.name != task["condition"])) == -2.0


def test_a_fallen_entropy_pays_on_top():
    plain, paid = started(nu=0.0), started(nu=2.0)
    name = expected_entropies(Belief(plain.world.law, plain.world._asked[0]))[0][0]
    more = say(paid, f"ask {name}") - say(plain, f"ask {name}")
    path = [belief.posterior for belief in paid.world._belief.history]
    entropies = [-(p[p > 0] @ np.log(p[p > 0])) for p in path]
    assert more == pytest.approx(2.0 * max(0.0, entropies[0] - entropies[1]) / entropies[0])


def test_the_tables_own_questions_are_understood():
    world = make("interview")
    for name, evidence in tables().evidences.items():
        assert world.hear(evidence.question) == world.hear(f"any {name}?") == DialogueAct("ask", name)
    assert world.hear("do you have wings?") is None and world.hear("diagnosis wings") is None


def test_a_child_of_an_absent_parent_answers_its_default():
    world, seen = make("interview"), 0
    for task in world.tasks("train"):
        facts = world.person(task).facts
        for name, evidence in tables().evidences.items():
            if evidence.parent != name and evidence.parent not in task.params["present"]:
                assert facts[name] == evidence.default
                seen += 1
    assert seen


def test_asking_everything_finds_everything():
    world = make("interview", max_turns=300)
    task = world.tasks("eval")[4]
    cursor = Cursor(world.live(), task, Chance(0))
    cursor.begin()
    for name in tables().evidences:
        say(cursor, f"ask {name}")
    say(cursor, f"diagnosis {task.params['condition']}")
    facts = cursor.moment.facts
    assert facts["per"] == 1.0 and facts["pep"] == pytest.approx(len(task.params["present"]) / 223)
    assert facts["il"] == 225.0 and facts["explore_by_answer"][0] == 0.0
    assert facts["confirm_by_answer"][-1] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["all", "small"])
def test_the_posterior_of_everything_is_the_true_differential_in_any_order(kind):
    of = law(kind)
    for number, patient in enumerate(patients(of, "eval", 5)[:12]):
        names = [str(name) for name in generator(number).permutation(list(of.tables.evidences))]
        truth = true_posterior(of, patient.first, frozenset(patient.present))
        assert knowing(of, patient, names).posterior == pytest.approx(truth, abs=1e-6)
        assert truth[of.tables.index[patient.condition]] > 0.0


def test_the_posterior_is_calibrated_and_a_sharpened_one_is_not():
    """Stated and true chances of the best condition after three random questions, 1,200 patients."""
    stated, sharp, right = [], [], []
    for number, patient in enumerate(patients(SMALL, "calibration", 150)):
        names = generator("asked", number).choice(list(SMALL.tables.evidences), 3, replace=False)
        chances = knowing(SMALL, patient, [str(name) for name in names]).posterior
        stated.append(chances.max())
        sharp.append(chances.max() ** 3 / (chances**3).sum())
        right.append(SMALL.tables.conditions[int(chances.argmax())].name == patient.condition)
    noise = 3 * np.sqrt(np.mean(np.multiply(stated, np.subtract(1, stated))) / len(right))
    assert abs(calibration.bias(stated, right)) < noise < calibration.bias(sharp, right)
    assert calibration.brier(stated, right) < calibration.brier(sharp, right)


def test_no_other_reading_of_the_same_answers_is_right_more_often():
    """The exact posterior against counting what fits, on the same twelve answers."""
    exact, counted = 0, 0
    for number, patient in enumerate(patients(SMALL, "bound", 40)):
        names = [str(n) for n in generator("bound", number).choice(list(SMALL.tables.evidences), 12, replace=False)]
        belief = knowing(SMALL, patient, names)
        votes = [
            sum(
                (name in (*c.symptoms, *c.antecedents)) == (name in patient.present) for name in (patient.first, *names)
            )
            for c in SMALL.tables.conditions
        ]
        at = SMALL.tables.index[patient.condition]
        exact, counted = exact + (belief.posterior.argmax() == at), counted + (np.argmax(votes) == at)
    assert exact > counted


def test_experts_are_of_several_skills():
    wins = {
        name: np.mean([e.succeeded() for e in played(name, 147, conditions="all")])
        for name in ("bayes", "questionnaire", "random")
    }
    assert wins["bayes"] > wins["questionnaire"] > wins["random"]


def test_strategies_of_asking_or_answering():
    assert [Fixed(3).answers(0.99, asked) for asked in range(5)] == [False, False, False, True, True]
    assert CutOff(0.0).answers(0.0, 0) and not CutOff(1.01).answers(1.0, 99) and CutOff().answers(0.8, 0)
    assert [Scale().answers(p, 0) for p in (0.0, 0.59, 0.61, 1.0)] == [False, False, True, True]


def test_differentials_are_read_as_they_are_written():
    of, chances = tables("small"), np.array([0.5, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert differential(of, spoken(of, chances)) == pytest.approx(chances)
    shared = differential(of, "Bronchitis 60%; URTI; pneumonia")
    assert [shared[of.index[name]] for name in ("Bronchitis", "URTI", "Pneumonia")] == pytest.approx([0.6, 0.2, 0.2])
    assert differential(of, "URTI 0%") is None and differential(of, "URTI; urti") is None


@pytest.mark.parametrize("name", sorted(PEOPLE))
def test_a_voice_reads_what_it_says(name):
    voice = PEOPLE[name].voice
    for evidence in tables().evidences.values():
        acts = [DialogueAct("inform", evidence.name, value) for value in (evidence.default, *evidence.values)]
        acts += [DialogueAct("come", evidence.name, "34 year old woman"), DialogueAct("refuse", evidence.name)]
        for act in (*acts, DialogueAct("vague", evidence.name)):
            for text in voice.phrases.all_of(act):
                assert all(voice.read(f"{aside} {text}") == (act,) for aside in voice.asides)


def test_the_guarded_patient_keeps_what_is_delicate_until_it_trusts():
    world = make("interview", user="guarded")
    assert set(DELICATE) <= tables().evidences.keys()
    for number, task in enumerate(world.tasks("train")[:50]):
        person, rng = world.person(task), generator("guarded", number)
        standing, names = person.begin(), sorted(DELICATE)
        for turn in range(20):
            act = (
                DialogueAct("ask", names[int(rng.integers(len(names)))])
                if rng.random() < 0.7
                else DialogueAct("reassure")
            )
            reply = person.reply(standing, act, Draws(number, turn))
            standing = reply.standing
            assert standing.state >= 0.3 or all(one.kind != "inform" for one in reply.acts)
    assert TRUST.thresholds["hiv"] == 0.3


def test_imagined_patients_could_have_answered_so():
    cursor = started(7, conditions="small")
    rule, drawn = cursor.world.expert("questionnaire"), set()
    for _ in range(5):
        view = cursor.view("agent")
        say(cursor, rule(view, generator(view.chance_key)))
    for number in range(30):
        twin = cursor.world.imagine(cursor.view("agent"), Chance(number))
        assert twin._standing.told == cursor.world._standing.told
        assert all(twin._person.facts[name] == value for name, value in twin._standing.told.items())
        drawn.add(twin._task.params["condition"])
    assert len(drawn) > 1


def test_imagined_patients_have_a_condition_as_often_as_the_posterior_says():
    patient = patients(SMALL, "imagined", 1)[3]
    belief, rng = knowing(SMALL, patient, ["cough", "fever", "pain"]), generator("imagined")
    drawn = Counter(fitting_patient(belief, {}, rng).condition for _ in range(2000))
    shares = np.array([drawn[condition.name] / 2000 for condition in SMALL.tables.conditions])
    assert shares == pytest.approx(belief.posterior, abs=0.04)


def test_knobs_have_their_effects():
    turns = [np.mean([len(e.turns) for e in played("bayes", withholding=rate)]) for rate in (0.0, 0.4, 0.8)]
    vague = [np.mean([len(e.turns) for e in played("bayes", vagueness=rate)]) for rate in (0.0, 0.4, 0.8)]
    wins = [np.mean([e.succeeded() for e in played("questionnaire", error=rate)]) for rate in (0.0, 0.25, 0.5)]
    assert turns == sorted(turns) and vague == sorted(vague) and wins == sorted(wins, reverse=True)
    assert turns[0] < turns[2] and vague[0] < vague[2] and wins[0] > wins[2]
    left = played("random", patience=1, withholding=0.9)
    assert {e.ends[0].facts["over"] for e in left} == {"left"}
    assert all(e.ends[0].facts["ddf1" + NONE] == 0.0 for e in left)


def test_what_is_heard_is_believed():
    belief = Belief(SMALL, "cough")
    acts = (DialogueAct("inform", "fever", "yes"), DialogueAct("refuse", "pain"), DialogueAct("inform", "pain", "no"))
    assert heard(belief, acts).answers == (("fever", True), ("pain", False))
