"""The law of a policy over a world's legal acts: what it samples, and exact values of a network from it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from made_play import sample
from turnwise.agents.spec import expert, new_policy
from turnwise.core.chance import Chance
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch
from turnwise.explore import Independent, Table
from turnwise.learn.weights.imitation import Imitation, ImitationSettings
from turnwise.models.law import law_of, pieces_of, spellings
from turnwise.worlds import make

WORLD = make("work-submit")


@pytest.fixture(scope="module")
def policy():
    """A policy that has seen a few games, so that it says legal things and also others."""
    made = new_policy("scratch:nano", WORLD, 0)
    tasks = [WORLD.tasks("train")[i % len(WORLD.tasks("train"))] for i in range(64)]
    games = Table(WORLD, {"agent": expert(WORLD, "mid")}, 0).collect(Independent(), tasks)
    Imitation(made, ImitationSettings(lr=3e-3, epochs=2, batch=8), 0).learn(Batch(games))
    return made


def first_moment():
    return WORLD.live().reset(WORLD.tasks("train")[0], Chance(0))


def test_every_spelling_reads_as_the_text(policy):
    for text in first_moment().legal:
        found = spellings(policy, text)
        assert len(set(found)) == len(found) and all(policy.chat.decode(ids) == text for ids in found)
        assert tuple(policy.chat.text_ids(text)[:-1]) in found
        pieces = pieces_of(policy)
        assert all("".join(pieces[i] for i in ids) == text for ids in found)


def test_it_is_the_product_of_the_models_own_steps(policy):
    view, legal = first_moment().views["agent"], first_moment().legal
    plain = copy.deepcopy(policy.causal)
    plain.set_attn_implementation("sdpa")
    with torch.no_grad():
        expected = []
        for text in legal:
            total = 0.0
            for ids in spellings(policy, text):
                row = [*policy.chat.open(view), *ids, policy.chat.stop_ids[0]]
                logp = plain(torch.tensor([row])).logits[0].double().log_softmax(-1)
                start = len(policy.chat.open(view))
                total += float(sum(logp[j - 1, row[j]] for j in range(start, len(row))).exp())
            expected.append(total)
    np.testing.assert_allclose(law_of(policy, legal)([view])[0], expected, rtol=1e-3)


def test_a_network_earns_what_its_exact_value_says(policy):
    legal = first_moment().legal
    exact = WORLD.exact(law_of(policy, legal))
    episodes, _ = sample(policy, WORLD, 600, max_new=16)
    returns = np.array([episode.total() for episode in episodes])
    assert abs(returns.mean() - exact.mean) < 4 * returns.std() / np.sqrt(len(returns)) + 1e-3
    first = [episode.turns[0].message.text for episode in episodes]
    law = law_of(policy, legal)([first_moment().views["agent"]])[0]
    for text, chance in zip(legal, law, strict=True):
        rate = np.mean([said == text for said in first])
        assert abs(rate - chance) < 4 * np.sqrt(chance * (1 - chance) / len(first)) + 1e-3


def test_long_texts_are_refused(policy):
    with pytest.raises(TurnwiseError, match="more than 512 ways"):
        law_of(policy, ["work and submit and work and submit and fluff\n"])
