"""A step is what its formula says: packed or one by one, split or whole, and equal to a readable loop over plain
forward passes of the model's own code.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch

from made_play import Branches, Made, apart, batch_of, credit_of, gradients_of, nano, sample
from turnwise.agents.spec import expert
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError
from turnwise.core.types import Batch, CreditTable, End, Leaf
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.explore import Independent, Table
from turnwise.learn.credited import credit_table
from turnwise.learn.packing import minibatches
from turnwise.learn.sequences import Row, rows_of
from turnwise.learn.weights import imitation
from turnwise.learn.weights.averaging import AVERAGINGS
from turnwise.learn.weights.imitation import Imitation, ImitationSettings, imitation_loss
from turnwise.learn.weights.lots import lots_of, say
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.models.policy import Output, Rows
from turnwise.worlds import make

ONE_BY_ONE, PACKED = 0, 16384  # 0 stands for the longest row


@pytest.fixture(scope="module")
def uneven():
    """Rows of very different lengths: some cut after a turn, some branching, some broken."""
    policy = nano("wordle", value_head=True)
    long, _ = sample(policy, make("wordle"), 3, turns=6, max_new=12)
    short, _ = sample(policy, make("wordle"), 2, turns=1, seed=1)
    branching, _ = sample(policy, make("wordle"), 1, Branches(), turns=4, seed=2)
    broken = dataclasses.replace(short[0], ends=(Leaf(0, End.ERROR, error="made"),))
    episodes = [*long, *short, *branching, broken]
    rows = rows_of(episodes, policy.chat)
    assert len({len(row) for row in rows}) > 4 and max(map(len, rows)) > 3 * min(map(len, rows))
    return policy, episodes, rows


def gradient(policy, episodes, rows, batch_tokens, table=None, **how):
    how = {"value": 0.0, "minibatches": 1, "entropy": 0.01} | how
    most = batch_tokens or max(map(len, rows))
    settings = PolicyGradientSettings(batch_tokens=most, **how)
    (found,) = gradients_of(PolicyGradient(policy, settings, 0), batch_of(episodes, table))
    return found


@pytest.mark.parametrize("averaging", AVERAGINGS)
def test_packed_is_one_by_one(uneven, averaging):
    packed = gradient(*uneven, PACKED, averaging=averaging)
    longest = max(map(len, uneven[2]))
    for split in (ONE_BY_ONE, longest + 7, 2 * longest):
        assert apart(packed, gradient(*uneven, split, averaging=averaging)) < 1e-5


def test_the_critics_part_is_split_alike(uneven):
    policy, episodes, rows = uneven
    table = with_targets(credit_of(episodes))
    how = {"value": 0.5, "table": table}
    packed = gradient(*uneven, PACKED, **how)
    assert apart(packed, gradient(*uneven, ONE_BY_ONE, **how)) < 1e-5
    assert apart(packed, gradient(*uneven, PACKED, table=table)) > 1e-2


def test_the_critics_error_is_a_mean_in_units_of_the_targets_spread(uneven):
    """d loss / d bias of a critic that says 1 everywhere: weight * mean(1 - target) / spread of the targets. The bias
    speaks in that unit, so that it is not divided by the variance: rewards of another unit leave the same gradient.
    """
    policy, episodes, rows = copy.deepcopy(uneven[0]), *uneven[1:]
    policy.value_head.begin(torch.ones(1), torch.ones(1))
    table = with_targets(credit_of(episodes))
    told = [t for e, of_turns in zip(episodes[:-1], table.targets, strict=False) for t in of_turns]
    found = gradient(policy, episodes, rows, PACKED, table=table, value=0.25)
    assert float(found[-1]) == pytest.approx(0.25 * np.mean(1 - np.array(told)) / np.std(told), rel=1e-4)


def with_targets(table):
    return dataclasses.replace(table, targets=[[3 * v + 1 for v in values] for values in table.values])


@pytest.mark.parametrize("averaging", AVERAGINGS)
def test_a_step_is_reinforce_on_its_credit_while_the_ratio_is_one(uneven, averaging):
    """-sum weight * A * log pi, row by row through the model's own forward, without packing, clipping or ratios."""
    policy, episodes, rows = uneven
    table = credit_of(episodes)
    packed = gradient(policy, episodes, rows, PACKED, averaging=averaging, entropy=0.0)
    twin = copy.deepcopy(policy)
    twin.causal.set_attn_implementation("eager")
    trained = [row for row in rows if row.loss.any()]
    tokens = sum(int(row.loss.sum()) for row in trained)
    of_episode = Counter[int]()
    for row in trained:
        of_episode[row.episode] += int(row.loss.sum())
    for row in trained:
        own = int(row.loss.sum())
        weight = {
            "token-mean": 1 / tokens,
            "row-mean": 1 / len(trained) / own,
            "row-sum": 1 / len(trained),
            "constant": 1 / len(trained) / 256.0,
            "episode-mean": 1 / len(of_episode) / of_episode[row.episode],
            "episode-sum": 1 / len(of_episode),
        }[averaging]
        ids = torch.from_numpy(row.ids.astype(np.int64))
        logp = torch.log_softmax(twin.causal(input_ids=ids[None], use_cache=False).logits[0].float(), -1)
        loss = torch.zeros(())
        for span in row.spans:
            for at in range(span.start, span.end):
                if row.loss[at]:
                    credit = np.float32(table.values[row.episode][span.turn])
                    loss = loss - weight * credit * logp[at - 1, ids[at]]
        loss.backward()
    named = PolicyGradient(twin, PolicyGradientSettings(value=0.0), 0).optimiser.named
    parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in named.values()]
    assert apart(torch.cat([part.flatten() for part in parts]), packed) < 1e-5


@pytest.mark.parametrize("normalise", imitation.NORMALISERS)
def test_imitation_packed_is_one_by_one(uneven, normalise):
    policy, episodes, rows = uneven
    found = []
    for most in (PACKED, max(map(len, rows))):
        settings = ImitationSettings(batch=64, batch_tokens=most, normalise=normalise)
        found += gradients_of(Imitation(policy, settings, 0), batch_of(episodes))
    assert apart(*found) < 1e-5


def test_minibatches_together_are_the_whole(uneven):
    """Token sums of two minibatches add up to those of one, each weighted by its own tokens."""
    policy, episodes, rows = uneven
    whole = gradient(policy, episodes, rows, PACKED, averaging="constant", entropy=0.0)
    settings = PolicyGradientSettings(value=0.0, minibatches=2, averaging="constant")
    halves = gradients_of(PolicyGradient(policy, settings, 0), batch_of(episodes))
    trained = [row for row in rows if row.loss.any()]
    assert len(halves) == 2 and len({row.episode for row in trained}) == 6
    sizes = [rows_in_half(policy, trained, episodes, half) for half in (0, 1)]
    together = sum(part * size for part, size in zip(halves, sizes, strict=True)) / len(trained)
    assert apart(whole, together) < 1e-5


def rows_in_half(policy, trained, episodes, half):
    return len(minibatches([row.episode for row in trained], 2, generator(0, "policy-gradient", 0))[half])


# --- the first step: ratio 1, or no step at all ---


def test_the_first_ratio_is_one(uneven):
    policy, episodes, _ = uneven
    learner = PolicyGradient(copy.deepcopy(policy), PolicyGradientSettings(minibatches=1, value_clip=0.2), 0)
    (update,) = learner.learn(batch_of(episodes, with_targets(credit_of(episodes))))
    assert update.change["logprob_gap"] < 1e-4 and update.change["clip_fraction"] == 0.0


def test_tokens_of_another_policy_are_refused(uneven):
    policy, episodes, _ = uneven
    other = nano("wordle", seed=1)
    before = {name: weight.clone() for name, weight in other.state_dict().items()}
    learner = PolicyGradient(other, PolicyGradientSettings(value=0.0), 0)
    with pytest.raises(TurnwiseError, match="differ from the sampler's by up to .* nats"):
        learner.learn(batch_of(episodes))
    assert all(torch.equal(before[name], weight) for name, weight in other.state_dict().items())
    assert all(weight.grad is None for weight in other.parameters()) and other.version == 0


def test_tokens_of_another_temperature_are_refused(uneven):
    policy = uneven[0]
    warm, _ = sample(policy, make("wordle"), 2, temperature=1.3)
    with pytest.raises(TurnwiseError, match="at temperature 1"):
        PolicyGradient(copy.deepcopy(policy), PolicyGradientSettings(), 0).learn(batch_of(warm))


def test_nothing_to_learn_from_is_said(uneven):
    policy, episodes, _ = uneven
    learner = PolicyGradient(policy, PolicyGradientSettings(value=0.0), 0)
    with pytest.raises(TurnwiseError, match="without a token to learn from"):
        learner.learn(batch_of(episodes[-1:]))
    with pytest.raises(TurnwiseError, match="without a token to learn from"):
        Imitation(policy, ImitationSettings(), 0).learn(batch_of(episodes[-1:]))


def test_turns_without_credit_are_not_trained(uneven):
    """nan is not 0: the tokens neither pull nor count."""
    policy, episodes, rows = uneven
    table = credit_of(episodes)
    values = [[float("nan")] * len(v) if e else v for e, v in enumerate(table.values)]
    one = gradient(policy, episodes, rows, PACKED, table=CreditTable("made", "turn", values))
    assert apart(one, gradient(policy, episodes[:1], rows, PACKED)) < 1e-6
    zero = [[0.0] * len(v) if e else v for e, v in enumerate(table.values)]
    assert apart(one, gradient(policy, episodes, rows, PACKED, table=CreditTable("made", "turn", zero))) > 0.1


# --- terms ---


def test_without_reward_a_kl_term_leads_back_to_the_start():
    world = make("maze", goal_reward=0.0, step_reward=0.0, illegal_reward=0.0)
    policy = nano("maze")
    settings = PolicyGradientSettings(lr=1e-3, warmup=1, value=0.0, kl=1.0, minibatches=1)
    learner = PolicyGradient(policy, settings, 0)
    with torch.no_grad():
        noise = torch.Generator().manual_seed(0)
        for weight in policy.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=noise)
    gaps = []
    for number in range(8):
        episodes, _ = sample(policy, world, 16, round=number)
        table = credit_table(RewardToGo(), episodes, learner.rows(episodes), None)
        assert not np.concatenate(table.values).any()
        (update,) = learner.learn(batch_of(episodes, table))
        gaps.append(update.change["kl"])
    assert gaps[0] > 0.01 and gaps[-1] < 0.5 * gaps[0]


def test_an_entropy_bonus_raises_entropy():
    policy = nano("maze")
    settings = PolicyGradientSettings(lr=1e-3, warmup=1, value=0.0, entropy=1.0, minibatches=1)
    learner = PolicyGradient(policy, settings, 0)
    found = []
    for number in range(4):
        episodes, _ = sample(policy, make("maze"), 8, round=number)
        table = CreditTable("none", "turn", [[0.0] * len(e.turns) for e in episodes])
        found.append(learner.learn(batch_of(episodes, table))[0].change["entropy"])
    assert found[-1] > found[0] + 0.05


def test_credit_moves_probability_the_way_it_points():
    policy = nano("maze")
    episodes, _ = sample(policy, make("maze"), 8)
    rows = rows_of(episodes, policy.chat)
    good = [[1.0 if e % 2 else -1.0] * len(episode.turns) for e, episode in enumerate(episodes)]

    def mean_logp(parity):
        chosen = [row for row in rows if row.episode % 2 == parity]
        return -imitation_loss(policy, chosen)

    before = mean_logp(0), mean_logp(1)
    settings = PolicyGradientSettings(lr=1e-3, warmup=1, value=0.0, minibatches=1)
    PolicyGradient(policy, settings, 0).learn(batch_of(episodes, CreditTable("made", "turn", good)))
    assert mean_logp(0) < before[0] and mean_logp(1) > before[1]


# --- worked numbers of specs/learn/bc_family ---


def test_with_all_tokens_weighing_the_same_it_is_the_cross_entropy_of_the_dialogue():
    policy = nano("wordle")
    episodes, _ = sample(policy, make("wordle"), 3)
    rows = rows_of(episodes, policy.chat)
    packed = Rows.pack([row.ids for row in rows])
    with torch.no_grad():
        expected = -float(policy(packed).score(packed.targets)[0].mean())
    settings = ImitationSettings(others=1.0, normalise="attended", batch=3, value=0.0)
    (update,) = Imitation(policy, settings, 0).learn(Batch(episodes))
    assert update.change["first_loss"] == pytest.approx(expected, rel=1e-5)


class Spoken:
    """Stands in for a policy: fixed logits at the positions of one row."""

    device = torch.device("cpu")

    def __init__(self, logits):
        self.logits = logits

    def __call__(self, rows):
        return Output(self, self.logits[rows.at], None)

    def head(self, hidden):
        return hidden

    def value(self, hidden):
        return None


def test_the_worked_loss():
    """-log pi = (0.5, 1.0, 2.0, 0.1, 0.4), action flags (0, 1, 1, 0, 1): 3.4 / 3 over actions, 3.4 / 5 over all."""
    costs = torch.tensor([0.5, 1.0, 2.0, 0.1, 0.4], dtype=torch.float64)
    right = torch.exp(-costs)
    logits = torch.stack([right.log(), torch.log1p(-right)], 1)  # token 0 has the wanted probability
    logits = torch.cat([logits, torch.zeros(1, 2, dtype=torch.float64)]).requires_grad_()
    flags = np.array([False, False, True, True, False, True])
    row = Row(0, 0, np.zeros(6, np.int32), flags, np.zeros(6, np.float32), ())
    assert imitation_loss(Spoken(logits), [row], "action") == pytest.approx(3.4 / 3, rel=1e-6)
    assert imitation_loss(Spoken(logits), [row], "attended") == pytest.approx(0.68, rel=1e-6)
    (lot,) = lots_of([row], [0], 99, None, Spoken.device)
    say(Spoken(logits), lot).logp.sum().backward()
    assert (logits.grad.abs().sum(1) > 0).tolist() == [False, True, True, False, True, False]


def test_imitation_learns_what_is_said():
    policy = nano("maze")
    world = make("maze", max_steps=5)
    table = Table(world, {"agent": expert(world, "optimal")}, 0)
    episodes = table.collect(Independent(), world.tasks("train")[:16])
    learner = Imitation(policy, ImitationSettings(epochs=12, batch=8, warmup=4), 0)
    change = learner.learn(batch_of(episodes))[0].change
    assert change["loss"] < 0.5 * change["first_loss"] and change["steps"] == 24


def test_every_weight_of_a_step_is_finite_in_a_made_world():
    """Rows that begin anew each turn, and a world that gives reward while it goes on."""
    policy = nano("maze", value_head=True)
    episodes, _ = sample(policy, Made(turns=4, keep=1), 4)
    learner = PolicyGradient(policy, PolicyGradientSettings(), 0)
    learner.learn(batch_of(episodes, with_targets(credit_of(episodes))))
    assert all(torch.isfinite(weight).all() for weight in policy.parameters())
