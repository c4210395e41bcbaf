"""The arms that M-DPO is compared with: what counts where nothing is masked, and imitation of winners
(specs/learn/multi_turn_dpo_kto, "Shows that it works").
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from made_play import Made, apart, gradients_of, nano, sample
from turnwise.api.specs import spec
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Batch
from turnwise.learn.pairs import pairs_of, whole
from turnwise.learn.sides import side_rows, unmasked_rows
from turnwise.learn.weights.dpo import Dpo
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.learn.weights.preference import Preference, PreferenceSettings
from turnwise.learn.weights.winners import Winners
from turnwise.recipes import RECIPES


@pytest.fixture(scope="module", params=[None, 1])
def played(request):
    """Two paths each of four tasks, one of which earns; views that grow, and views of the newest message alone."""
    policy = nano("maze")
    episodes, _ = sample(policy, Made(turns=3, keep=request.param), 8, turns=None)
    paid = [
        replace(e, turns=(*e.turns[:-1], replace(e.turns[-1], rewards={"agent": float(n < 4)})))
        for n, e in enumerate(episodes)
    ]
    return policy, Batch(paid)


def test_without_mask_all_counts_that_follows_the_first_prompt(played):
    policy, batch = played
    sides = [whole(batch.episodes, n) for n in range(8)]
    pairs = zip(
        side_rows(batch.episodes, sides, policy.chat), unmasked_rows(batch.episodes, sides, policy.chat), strict=True
    )
    for own, found in pairs:
        for n, (row, bare) in enumerate(zip(own, found, strict=True)):
            begin = int(np.flatnonzero(row.loss)[0])
            assert not bare.loss[: begin if n == 0 else 1].any() and bare.loss[begin:].all()
            assert bare.loss[1:].all() or n == 0
            assert row.ids.tolist() == bare.ids.tolist() and (bare.loss >= row.loss).all()
        heard = sum(int((bare.loss & ~row.loss).sum()) for row, bare in zip(own, found, strict=True))
        assert heard > 0, "what the world said counts"


def pulls(played, lay, objective=None):
    policy, batch = played
    how = PreferenceSettings(batch=64, warmup=1)
    learner = Preference(copy.deepcopy(policy), objective or Dpo(), lambda b, rng: pairs_of(b, rng, 9), how, 0, lay)
    (found,) = gradients_of(learner, batch)
    return found


def test_the_two_masks_pull_elsewhere(played):
    assert apart(pulls(played, side_rows), pulls(played, unmasked_rows)) > 0.1


def test_imitation_of_winners_is_cloning_of_the_better_sides_alone(played):
    """The mean over sides of the mean over tokens; what the losers said has no say."""
    policy, batch = played
    found = pulls(played, side_rows, Winners())
    parts = []
    for number in range(4):
        one = Imitation(copy.deepcopy(policy), ImitationSettings(batch=1, warmup=1, epochs=1), 0)
        parts.append(gradients_of(one, Batch([batch.episodes[number]]))[0])
    assert apart(torch.stack(parts).mean(0), found) < 1e-4


def test_the_arms_differ_in_one_thing_each():
    m_dpo = RECIPES.get("m-dpo")
    for name, change in (("dpo-unmasked", {"counts": "all"}), ("dpo-fixed", {"reference": "start"})):
        arm = RECIPES.get(name)
        assert arm.build is m_dpo.build and arm.changes == change
        assert name in m_dpo.claim.trial.rivals
    shared = m_dpo.claim.trial.settings
    assert (shared["group"], shared["earlier"]) == (5, 3) and "raft" in m_dpo.claim.trial.rivals


def test_misspelt_and_idle_settings_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'own'"):
        spec("maze", "dpo", "scratch:nano", {"counts": "owns"}, {"max_steps": 4}, 0).build()
    with pytest.raises(TurnwiseError, match="has no effect with winners"):
        spec("maze", "raft", "scratch:nano", {"reference": "start"}, {"max_steps": 4}, 0).build()
