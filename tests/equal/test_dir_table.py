"""WaltzRL's toy on small tables (specs/credit/waltzrl-dir, "Shows that it works"): a softmax table for each role, the
prompts and the judge of safe-answers, and the same credit rules as the recipe's.
"""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.credit.dir import Dir
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rule import CreditInput
from turnwise.credit.scored import Scored
from turnwise.worlds.safe_answers_players import LOOKS
from turnwise.worlds.safe_answers_rules import ANSWERS, PROMPTS, read_look, right_answer, verdict, write_look

EACH = RewardToGo(gamma=0.0, whiten="turns")
TEXTS = sorted({p.text for p in PROMPTS})
TEXT = np.array([TEXTS.index(p.text) for p in PROMPTS])
HARMFUL = np.array([p.harmful for p in PROMPTS])
VERDICT = [[verdict(harmful, answer) for answer in ANSWERS] for harmful in (False, True)]
GOOD = np.array([[float(v.good) for v in of] for of in VERDICT])
READ = [read_look(look) for look in LOOKS]
FLAGS = np.array([look.flags for look in READ])
RIGHT = np.array([[[float(look.verdict == v) for look in READ] for v in of] for of in VERDICT])
HIDDEN = 2  # what an answer shows: nothing; 0 and 1: the class


def law(logits):
    """Softmax over the last axis."""
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def draw(shares, rng):
    return (shares.cumsum(-1) > rng.random(len(shares))[:, None]).argmax(-1)


class Waltz:
    """Both roles begin half right: by sound, as advised, as the judge would; half the time they do anything.

    Args:
        shows: as the world's.
    """

    def __init__(self, shows: str):
        self.shows, (n, a, k) = shows, (len(TEXTS), len(ANSWERS), len(LOOKS))
        self.first, self.revised = np.zeros((n, a)), np.zeros((n, a, k, a))
        self.looks = np.zeros((n, a, 3, k))
        for text, name in enumerate(TEXTS):
            sound = name.startswith("alarming")
            by_sound = ANSWERS.index(right_answer(sound))
            self.first[text] = begun(a, by_sound)
            for look, read in enumerate(READ):
                wanted = by_sound if read.advice == "none" else ANSWERS.index(read.advice)
                self.revised[text, :, look] = begun(a, wanted)
            for answer, seen in np.ndindex(a, 3):
                harmful = sound if seen == HIDDEN else bool(seen)
                given = VERDICT[harmful][answer]
                told = write_look(given, "none" if given.good else right_answer(harmful))
                self.looks[text, answer, seen] = begun(k, LOOKS.index(told))

    def play(self, count, rng, alone=False):
        """Text, class, first answer, what it shows, look, last answer, of so many episodes."""
        number = rng.integers(len(PROMPTS), size=count)
        text, harmful = TEXT[number], HARMFUL[number].astype(int)
        first = draw(law(self.first[text]), rng)
        hidden = (ANSWERS.index("refuse") == first) & (self.shows == "done")
        seen = np.where(hidden, HIDDEN, harmful)
        silent = np.full(count, LOOKS.index("safe fine none\n"))
        look = silent if alone else draw(law(self.looks[text, first, seen]), rng)
        last = np.where(FLAGS[look], draw(law(self.revised[text, first, look]), rng), first)
        return text, harmful, first, seen, look, last

    def learn(self, rng, rule=None, both=True, count=128):
        """A round; without a rule the answerer is alone."""
        text, harmful, first, seen, look, last = self.play(count, rng, alone=rule is None)
        scores = GOOD[harmful, first], GOOD[harmful, last]
        if rule is not None:
            judged = {"score": scores[1], "label": RIGHT[harmful, first, look], "form": np.ones(count)}
            credit = rule.assign(each(count, judged, {"score": scores[0]})).credit
            climb(self.looks, (text, first, seen), look, credit)
        if both:
            of_first = ~FLAGS[look] | (rng.random(count) < 0.5)
            credit = Scored(inner=EACH).assign(each(count, {"score": np.where(of_first, *scores)}, {})).credit
            chosen, rest = of_first, ~of_first
            climb(self.first, (text[chosen],), first[chosen], credit[chosen])
            climb(self.revised, (text[rest], first[rest], look[rest]), last[rest], credit[rest])

    def measured(self, alone=False):
        """Rates over many episodes."""
        _, harmful, first, _, look, last = self.play(20000, np.random.default_rng(1), alone)
        flagged, was_good = FLAGS[look], GOOD[harmful, first] == 1
        wrong = GOOD[harmful, last] == 0
        return {
            "unsafe": wrong[harmful == 1].mean(),
            "over_refusal": wrong[harmful == 0].mean(),
            "flagged": flagged.mean(),
            "flagged_good": flagged[was_good].mean(),
        }


def begun(size, wanted):
    return np.log(np.full(size, 0.5 / size) + 0.5 * (np.arange(size) == wanted))


def each(count, turns, episodes):
    """Episodes of one turn."""
    return CreditInput(np.zeros(count), np.arange(count + 1), np.ones(count, bool), signals_T=turns, signals_E=episodes)


def climb(table, states, acts, credit, lr=0.2):
    """A step of REINFORCE."""
    towards = credit[:, None] * (np.eye(table.shape[-1])[acts] - law(table[states]))
    np.add.at(table, states, lr * towards)


def waltz(shows, alone, rounds, seed=0, **how):
    """Stage 1: labels and form; stage 2: both learn; `alone` has as many rounds of its own."""
    rng, table = np.random.default_rng(seed), Waltz(shows)
    for number in range(sum(rounds)):
        first_stage = number < rounds[0]
        rule = None if alone else Dir(inner=EACH, **(how | ({"label": 1.0} if first_stage else {})))
        table.learn(rng, rule, both=alone or not first_stage)
    return table.measured(alone)


def test_with_an_adviser_answers_are_less_unsafe_and_less_over_refusing():
    alone, full = waltz("every", True, (8, 16)), waltz("every", False, (8, 16))
    assert alone["unsafe"] > 0.3 and alone["over_refusal"] > 0.3 and alone["flagged"] == 0
    assert full["unsafe"] < 0.1 and full["over_refusal"] < 0.1 and 0.35 < full["flagged"] < 0.6


def test_what_no_answer_shows_no_adviser_mends():
    """Refusals show nothing: harm is found, over-refusals stay."""
    alone, full = waltz("done", True, (8, 32)), waltz("done", False, (8, 32))
    assert full["unsafe"] < alone["unsafe"] / 2 and full["over_refusal"] > 0.8 * alone["over_refusal"]


@pytest.mark.parametrize("seed", range(2))
def test_where_wrong_labels_cost_nothing_good_answers_are_flagged(seed):
    """The sheet expects blanket advice without the condition. Here it comes with it, once the label term is off: a flag
    that is wrong voids what its advice spoils.
    """
    held = waltz("done", False, (20, 200), seed)
    free = waltz("done", False, (20, 200), seed, conditional=False)
    kept = waltz("done", False, (20, 200), seed, label=0.65)
    assert held["flagged_good"] > 0.2 > 0.05 > max(free["flagged_good"], kept["flagged_good"])
