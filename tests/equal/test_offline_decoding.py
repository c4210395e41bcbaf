"""Speaking with words shifted by values: worked decoding, and the engine against a whole pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_values import guided_maze

from made_play import Made, sample
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Message
from turnwise.learn.sequences import rows_of
from turnwise.learn.weights.lots import logprobs
from turnwise.models.engine import Engine
from turnwise.models.guided import Guide, Guided, guided_logits, load_speaker
from turnwise.models.policy import Policy
from turnwise.models.ragged import Packed
from turnwise.models.sampling import Sampling


def said(episodes):
    return [(t.tokens.reply.tolist(), t.tokens.logprobs.tolist()) for e in episodes for t in e.turns]


# --- decoding ---


def test_worked_decoding():
    logits, q = torch.tensor([[2.0, 1.0]]), torch.tensor([[0.0, 0.1]])
    assert guided_logits(logits, q, Guide(16.0)).tolist()[0] == pytest.approx([2.0, 2.6])
    assert torch.equal(guided_logits(logits, q, Guide(0.0)), logits)


def test_a_constant_added_to_all_values_changes_nothing():
    rng = torch.Generator().manual_seed(0)
    logits, q = torch.randn(5, 9, generator=rng), torch.randn(5, 9, generator=rng)
    one, other = (torch.softmax(guided_logits(logits, x, Guide(3.0)), -1) for x in (q, q - 40.0))
    assert torch.allclose(one, other, atol=1e-5)


def test_a_clip_at_nothing_only_lowers():
    rng = torch.Generator().manual_seed(0)
    logits, q, v = torch.randn(5, 9, generator=rng), torch.randn(5, 9, generator=rng), torch.randn(5, generator=rng)
    assert bool((guided_logits(logits, q, Guide(3.0, clip=0.0), v) <= logits).all())
    with pytest.raises(TurnwiseError, match="without a V"):
        guided_logits(logits, q, Guide(3.0, clip=0.0))


def test_words_that_the_policy_hardly_knows_are_not_valued():
    logits, q = torch.tensor([[3.0, 2.0, -5.0]]), torch.tensor([[0.0, 0.0, 100.0]])
    assert guided_logits(logits, q, Guide(1.0, top_p=0.95)).argmax() == 0
    assert guided_logits(logits, q, Guide(1.0, top_k=2)).argmax() == 0
    assert guided_logits(logits, q, Guide(1.0)).argmax() == 2


def test_without_beta_the_engine_speaks_as_the_clone_to_the_letter():
    guided = guided_maze(guide=Guide(0.0))
    ours, clones = (sample(p, Made(turns=4), 5)[0] for p in (guided, guided.policy))
    assert said(ours) == said(clones)
    shifted = guided_maze(guide=Guide(8.0))
    assert said(sample(shifted, Made(turns=4), 5)[0]) != said(clones)


def test_the_engine_samples_the_law_that_a_whole_pass_computes():
    """Both transformers keep their caches over turns: log-probabilities agree with those of packed rows."""
    guided = guided_maze(guide=Guide(2.0))
    episodes, _ = sample(guided, Made(turns=4), 6)
    rows = rows_of(episodes, guided.chat)
    for row, found in zip(rows, logprobs(guided, rows, 512), strict=True):
        assert np.allclose(found, row.logprobs[row.loss], atol=1e-4)


def test_a_greedy_choice_follows_the_values():
    guided = guided_maze(guide=Guide(1e6))
    chat, law = guided.chat, Sampling(temperature=0.0, max_new=1)
    ids = chat.open([Message("user", "hello")])

    def speak(policy):
        engine = Engine(policy)
        return engine.run([engine.reply(engine.open(), ids, law, 0)])[0].reply[0]

    hidden = guided.values.read(torch.tensor(ids), torch.arange(len(ids)), Packed([len(ids)]))[-1:]
    assert speak(guided) == int(guided.values.token_values(hidden).argmax())


def test_saved_and_loaded_it_says_the_same(tmp_path):
    guided = guided_maze(guide=Guide(4.0, top_p=0.9, clip=0.5))
    guided.version = 3
    guided.save(tmp_path / "one")
    again = load_speaker(tmp_path / "one")
    assert isinstance(again, Guided) and again.guide == guided.guide and again.version == 3
    again.save(tmp_path / "two")
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert said(sample(again, Made(turns=4), 3)[0]) == said(sample(guided, Made(turns=4), 3)[0])
    assert not isinstance(Policy.load(tmp_path / "one"), Guided), "the clone alone is a plain model directory"
