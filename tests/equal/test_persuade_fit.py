"""The model of donations is what its data gives, and agrees with the real gifts."""

from __future__ import annotations

import numpy as np
import pytest

from turnwise.core.chance import generator
from turnwise.worlds.persuade_data import exchanges, load
from turnwise.worlds.persuade_fit import (
    ANSWERS,
    CUTS,
    KINDS,
    fit_of,
    fitted,
    halves,
    levels,
    likelihood,
    regression,
    shipped,
    typical,
)
from turnwise.worlds.persuade_people import Nature, bent


def test_counts_of_the_data():
    """The data's own notice: 1,017 talks, 545 gave, 300 are labelled; gifts are clipped at 2 dollars."""
    talks = load().talks
    assert len(talks) == 1017 and sum(t.gift > 0 for t in talks) == 545
    assert sum(t.exchanges is not None for t in talks) == 300 and max(t.gift for t in talks) == 2.0
    assert np.median([t.gift for t in talks if t.gift]) == pytest.approx(0.5) and len(load().traits) == 23
    first, second = halves()
    assert len(first) + len(second) == 1017 and not {t.id for t in first} & {t.id for t in second}


def test_labels_become_moves_and_the_first_named_reaction():
    turn = [
        {"role": 0, "turn": 0, "act": "greeting", "act2": "proposition-of-donation"},
        {"role": 0, "turn": 0, "act": "off-task", "act2": None},
        {"role": 1, "turn": 0, "act": "ask-org-info", "act2": None},
        {"role": 1, "turn": 0, "act": "agree-donation", "act2": None},
        {"role": 0, "turn": 1, "act": "thank", "act2": None},
        {"role": 1, "turn": 1, "act": "other", "act2": None},
    ]
    assert exchanges(turn) == [(["greet", "propose"], "agree"), ([], "chat")]


@pytest.mark.parametrize("name", ["first", "second"])
def test_the_shipped_fits_are_what_the_data_gives(name):
    again, kept = fitted(dict(zip(("first", "second"), halves(), strict=True))[name], shipped()["ridge"]), fit_of(name)
    assert again.reactions == kept.reactions and again.amounts == kept.amounts
    assert again.thresholds == pytest.approx(kept.thresholds, abs=5e-3)
    assert [again.move_weights[k] for k in KINDS] == pytest.approx([kept.move_weights[k] for k in KINDS], abs=5e-3)
    for fit in (kept, again):
        assert all(sum(row) == pytest.approx(1, abs=1e-3) for rows in fit.reactions.values() for row in rows)
        assert all(len(row) == len(ANSWERS) for rows in fit.reactions.values() for row in rows)


def test_the_model_recovers_weights_that_are_known():
    rng = generator("known")
    x, true = rng.normal(size=(3000, len(KINDS) + 2)), np.zeros(len(KINDS) + 2)
    true[[0, 3, -1]] = 1.0, -0.5, 0.8
    thresholds = np.array([-0.5, 0.3, 1.0, 2.0])
    y = ((x @ true + rng.logistic(size=3000))[:, None] > thresholds).sum(1)
    weights, found = regression(x, y, ridge=1e-3, move_ridge=1e-3)
    assert weights == pytest.approx(true, abs=0.12) and found == pytest.approx(thresholds, abs=0.15)
    total = sum(likelihood(x @ weights, found, np.full(3000, level)) for level in range(len(CUTS) + 1))
    assert total == pytest.approx(np.ones(3000))


def test_the_check_against_real_gifts():
    """Held out, gifts are predicted better than by their mean, and by fifths as often as they were seen; what is known
    of the moves adds nothing.
    """
    check = shipped()["check"]
    assert (check["talks"], check["labelled"]) == (1017, 300)
    assert check["loss_held_out"] < check["loss_without_features"] - 0.01
    assert check["giving_loss_held_out"] < check["giving_loss_without_features"] - 0.02 and check["auc_held_out"] > 0.6
    seen, told = np.array(check["giving_seen"]), np.array(check["giving_predicted"])
    error = np.sqrt(seen * (1 - seen) / (check["talks"] / 5))
    assert (np.abs(seen - told) < 2 * error).all() and (np.diff(seen) > 0).all()
    assert check["loss_held_out_labelled"] >= check["loss_held_out_labelled_traits_alone"]


@pytest.mark.parametrize(("name", "other"), [("first", 1), ("second", 0)])
def test_simulated_gifts_are_like_the_real_ones_of_people_whom_the_model_has_not_seen(name, other):
    """The other half's personalities after average moves: as many give, and as much; and after the moves that were
    really made, where they are known, as many. Both halves are samples: a difference has the error of both.
    """
    rng, rows = generator("simulated", name), [n for n in range(1017) if n % 2 == other]
    labelled = [row for row in rows if load().talks[row].exchanges is not None]
    for kept, moves in ((rows, None), (labelled, [load().talks[row].moves for row in labelled])):
        real = np.array([load().talks[row].gift for row in kept])
        luck = rng.random((len(kept), 20)).clip(1e-6, 1 - 1e-6).tolist()
        if moves is None:
            lots = zip(kept, luck, strict=True)
            people = [[Nature(name, bent(name, r) + typical(name), u, 1.0) for u in us] for r, us in lots]
            made = np.array([[fit_of(name).amounts[n.level(frozenset())] for n in of] for of in people])
            assert abs(made.mean() - real.mean()) < 3 * np.sqrt(2) * real.std() / np.sqrt(len(kept))
        else:
            told = zip(kept, moves, luck, strict=True)
            made = np.array([[Nature(name, bent(name, r), u, 1.0).gift(m) for u in us] for r, m, us in told])
        assert abs((made > 0).mean() - (real > 0).mean()) < 3 * np.sqrt(2) * np.sqrt(0.25 / len(kept))


def test_levels_of_gifts_have_the_shares_that_were_seen():
    """In all, by the model that has all talks."""
    rng, talks = generator("levels"), load().talks
    luck = rng.random(len(talks) * 20).clip(1e-6, 1 - 1e-6)
    rows = np.repeat(np.arange(len(talks)), 20)
    lots = zip(rows.tolist(), luck.tolist(), strict=True)
    made = [Nature("both", bent("both", row) + typical("both"), u, 1.0).level(frozenset()) for row, u in lots]
    share = np.bincount(made, minlength=5) / len(made)
    assert share == pytest.approx(np.bincount(levels(talks), minlength=5) / len(talks), abs=0.03)
