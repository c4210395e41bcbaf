"""LOOP, line by line of its sheet's "Must hold" (specs/learn/loop)."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from made_play import Made, apart, batch_of, credit_of, gradients_of, nano, sample
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import CreditTable
from turnwise.credit import CreditInput
from turnwise.credit.rloo import Rloo
from turnwise.explore import Grouped
from turnwise.learn.credited import credit_table
from turnwise.learn.weights.averaging import token_weights
from turnwise.learn.weights.policy_gradient import PolicyGradient, PolicyGradientSettings
from turnwise.learn.weights.ratio import differences, drift, whole_ratios
from turnwise.learn.weights.surrogate import clipped_surrogate, log_symmetric
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows
from turnwise.recipes import RECIPES
from turnwise.recipes.base import Setup
from turnwise.recipes.loop import loop_step
from turnwise.worlds import make

PLAIN = {"value": 0.0, "minibatches": 1, "averaging": "episode-mean", "dual_clip": None, "warmup": 0}


def outcome(returns, group=None):
    """One turn per episode, one group."""
    count = len(returns)
    return CreditInput(returns, np.arange(count + 1), [True] * count, group_E=group or [0] * count)


@pytest.fixture(scope="module")
def played():
    """Eight episodes of uneven length, each turn a row of its own."""
    policy = nano("wordle")
    long, _ = sample(policy, make("wordle"), 5, turns=5, max_new=9)
    short, _ = sample(policy, Made(turns=2, keep=1), 3, turns=2, seed=1)
    return policy, [*long, *short]


def credited(episodes, credit):
    """The same credit at every turn of an episode."""
    return CreditTable("made", "turn", [[c] * len(e.turns) for c, e in zip(credit, episodes, strict=True)])


def step_of(played, credit, **how):
    """Gradient of the only step; no weight changes."""
    policy, episodes = played
    learner = PolicyGradient(copy.deepcopy(policy), PolicyGradientSettings(**PLAIN | how), 0)
    (found,) = gradients_of(learner, batch_of(episodes, credited(episodes, credit)))
    return found


# --- credit ---


def test_worked_credit():
    found = Rloo().assign(outcome([1, 0.5, 0, 0, 0, 0])).credit
    assert found == pytest.approx([0.9, 0.3, -0.3, -0.3, -0.3, -0.3])
    assert Rloo().assign(outcome([1.0, 0.25])).credit == pytest.approx([0.75, -0.75]), "K = 2: plus and minus R1 - R2"


def test_credit_of_a_group_sums_to_nothing_and_scales_with_the_reward():
    returns = np.random.default_rng(0).normal(size=6)
    credit, scaled = (Rloo().assign(outcome(c * returns)).credit for c in (1.0, 7.0))
    assert credit.sum() == pytest.approx(0.0, abs=1e-12) and scaled == pytest.approx(7 * credit)


# --- the filter and the constant divisor ---


def test_where_all_are_equal_every_episode_is_left_out_and_nothing_moves(played):
    policy, episodes = played
    policy = copy.deepcopy(policy)
    before = {name: weight.clone() for name, weight in policy.state_dict().items()}
    told = []
    learner = PolicyGradient(policy, PolicyGradientSettings(**PLAIN, least_credit=0.01, kl_limit=20.0), 0)
    (update,) = learner.learn(batch_of(episodes, credited(episodes, [0.0] * 8)), told.append)
    assert update.change["steps"] == update.change["kept_share"] == 0.0 and told[-1] == 1.0
    assert all(torch.equal(before[name], weight) for name, weight in policy.state_dict().items())


def test_half_the_episodes_filtered_give_half_the_loss_of_a_batch_doubled_to_full_size(played):
    """What is kept weighs as in the full batch; a mean over what is kept would weigh it twice."""
    half = [0.5, 0.0, -0.5, 0.0, 1.0, 0.0, -1.0, 0.0]
    found = step_of(played, half, least_credit=0.01)
    assert apart(step_of(played, half), found) < 1e-5, "credit of 0 pulls at nothing, filtered or not"
    policy, episodes = played
    kept = [e for e, c in zip(episodes, half, strict=True) if c]
    full = step_of((policy, kept), [c for c in half if c])
    assert apart(full, 2 * found) < 1e-5
    assert token_weights("episode-mean", [3, 5], 0, [0, 0], full=4) == pytest.approx([1 / 32] * 2)
    assert token_weights("episode-sum", [3, 5], 0, [0, 0], full=4) == pytest.approx([1 / 4] * 2)


def test_fewer_episodes_are_fewer_steps_of_the_same_size(played):
    """Eight episodes in minibatches of two are four steps; of three kept, one and a half: the last is a half."""
    policy, episodes = played
    counts = []
    for credit in ([1.0, -1.0] * 4, [1.0, 0, 0, -1.0, 0, 0, 0, 2.0]):
        how = PolicyGradientSettings(**PLAIN | {"minibatches": 4}, least_credit=0.01)
        learner = PolicyGradient(copy.deepcopy(policy), how, 0)
        counts.append(learner.learn(batch_of(episodes, credited(episodes, credit)))[0].change)
    assert [c["steps"] for c in counts] == [4.0, 2.0] and [c["kept_share"] for c in counts] == [1.0, 3 / 8]


# --- the clip and the ratios ---


def test_the_clip_is_symmetric_in_the_logarithm():
    low, high = log_symmetric(0.1)
    assert (1 - low, 1 + high) == pytest.approx((1 / 1.1, 1.1))
    assert math.log(1 - low) == pytest.approx(-math.log(1 + high))


@pytest.mark.parametrize("ratio", ["token", "episode", "none"])
def test_the_first_step_is_reinforce_with_a_leave_one_out_baseline(played, ratio):
    """rho = 1: whatever the ratio is of, the gradient is that of -A * log pi, averaged alike."""
    policy, episodes = played
    credit = np.random.default_rng(1).normal(size=8)
    how = {"clip_low": log_symmetric(0.1)[0], "clip_high": 0.1}
    for averaging in ("episode-mean", "episode-sum"):
        found = step_of(played, credit, ratio=ratio, averaging=averaging, **how)
        plain = reinforce(copy.deepcopy(policy), episodes, credit, averaging)
        assert apart(plain, found) < 1e-5


def reinforce(policy: Policy, episodes, credit, averaging):
    """-(1 / M) sum_i A_i sum_j log pi(j) [/ n_i], rows one by one through the model's own forward."""
    learner = PolicyGradient(policy, PolicyGradientSettings(value=0.0), 0)
    policy.causal.set_attn_implementation("eager")
    rows = [row for row in learner.rows(episodes) if row.loss.any()]
    spoken = np.bincount([row.episode for row in rows], [row.loss.sum() for row in rows])
    for row in rows:
        ids = torch.from_numpy(row.ids.astype(np.int64))
        logp = torch.log_softmax(policy.causal(input_ids=ids[None], use_cache=False).logits[0].float(), -1)
        at = torch.from_numpy(np.flatnonzero(row.loss))
        each = 1 / spoken[row.episode] if averaging == "episode-mean" else 1.0
        (-credit[row.episode] * each / len(episodes) * logp[at - 1, ids[at]].sum()).backward()
    named = learner.optimiser.named
    parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in named.values()]
    return torch.cat([part.flatten() for part in parts])


def moved(policy, size=0.02):
    """A copy whose weights went a little way."""
    twin, noise = copy.deepcopy(policy), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in twin.parameters():
            weight += size * torch.randn(weight.shape, generator=noise)
    return twin


@pytest.mark.parametrize("batch_tokens", [16384, 60])
def test_one_ratio_per_episode_is_its_formula_however_the_rows_are_packed(played, batch_tokens):
    """L = -(1/M) sum_i min(rho_i A_i, clip(rho_i) A_i), rho_i = exp(sum of token differences), by autograd on the
    whole, away from the sampler.
    """
    policy, episodes = played
    policy, credit = moved(policy), np.random.default_rng(2).normal(size=8).astype(np.float32)
    low, high = log_symmetric(0.1)
    how = {"ratio": "episode", "averaging": "episode-sum", "clip_low": low, "clip_high": high, "tolerance": 99.0}
    found = step_of((policy, episodes), credit, batch_tokens=batch_tokens, **how)
    learner = PolicyGradient(policy, PolicyGradientSettings(value=0.0), 0)
    rows = [row for row in learner.rows(episodes) if row.loss.any()]
    whole = [torch.zeros(()) for _ in episodes]
    for row in rows:
        ids = torch.from_numpy(row.ids.astype(np.int64))
        logp = policy(Rows.pack([row.ids])).score(ids[1:])[0][torch.from_numpy(np.flatnonzero(row.loss)) - 1]
        whole[row.episode] = whole[row.episode] + (logp - torch.from_numpy(row.logprobs[row.loss])).sum()
    clipped = 0
    for a, log_ratio in zip(credit, whole, strict=True):
        rho = torch.exp(log_ratio)
        gain = torch.minimum(rho * a, rho.clamp(1 / 1.1, 1.1) * a)
        clipped += float(gain.detach()) != float((rho * a).detach())
        (-gain / len(episodes)).backward()
    named = learner.optimiser.named
    parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in named.values()]
    assert 0 < clipped < 8 and apart(torch.cat([part.flatten() for part in parts]), found) < 1e-4
    policy.zero_grad(set_to_none=True)


def test_without_a_ratio_nothing_is_clipped(played):
    policy, episodes = played
    far = moved(policy)
    learner = PolicyGradient(far, PolicyGradientSettings(**PLAIN, ratio="none", tolerance=99.0), 0)
    assert learner.learn(batch_of(episodes))[0].change["clip_fraction"] == 0.0
    loss, clipped = clipped_surrogate(torch.tensor([math.log(2.0)]), torch.tensor([1.0]), *log_symmetric(0.1), None)
    assert loss.tolist() == pytest.approx([-1.1]) and clipped.tolist() == [1.0]
    with pytest.raises(UnknownName, match="did you mean 'episode'"):
        PolicyGradientSettings(ratio="epsiode")


# --- safety ---


def test_drift_is_zero_at_the_sampler_and_a_sum_over_the_episode(played):
    policy, episodes = played
    rows = PolicyGradient(policy, PolicyGradientSettings(value=0.0), 0).rows(episodes)
    chosen, sampled = [i for i, row in enumerate(rows) if row.loss.any()], [row.logprobs[row.loss] for row in rows]
    assert drift(differences(policy, rows, sampled, chosen, 16384), rows) < 1e-6
    made = {0: np.array([0.1, -0.1]), 1: np.array([0.2])}
    owners = [type("R", (), {"episode": 3}), type("R", (), {"episode": 3})]
    expected = sum(math.exp(d) - 1 - d for d in (0.1, -0.1, 0.2))
    assert drift(made, owners) == pytest.approx(expected) and whole_ratios(made, owners) == pytest.approx(
        {0: 0.2, 1: 0.2}
    )


def test_updates_stop_after_the_epoch_that_went_too_far(played):
    policy, episodes = played
    steps = {}
    for limit in (1e-9, 1e9):
        how = PolicyGradientSettings(**PLAIN | {"epochs": 3, "lr": 1e-3, "kl_limit": limit})
        (update,) = PolicyGradient(copy.deepcopy(policy), how, 0).learn(batch_of(episodes, credit_of(episodes)))
        steps[limit] = update.change["steps"]
        assert update.change["kl_sampler"] > 1e-9
    assert steps == {1e-9: 1.0, 1e9: 3.0}


def test_the_gap_to_the_sampler_is_reported(played):
    policy, episodes = played
    (update,) = PolicyGradient(copy.deepcopy(policy), PolicyGradientSettings(**PLAIN), 0).learn(batch_of(episodes))
    assert 0 <= update.change["logprob_gap_mean"] <= update.change["logprob_gap"] < 1e-4


# --- the recipe ---


def test_it_holds_one_copy_of_the_policy_and_no_critic():
    recipe = RECIPES.get("loop")
    world = make("work-submit")
    how = loop_step(Setup(world, recipe.resolve({}), "scratch:nano", 0))
    learner = PolicyGradient(nano("work-submit"), how, 0)
    assert learner.reference is None and learner.policy.value_head is None
    assert (how.clip_low, how.clip_high, how.dual_clip, how.least_credit, how.kl_limit) == (
        pytest.approx(0.1 / 1.1),
        0.1,
        None,
        0.01,
        20.0,
    )
    with pytest.raises(TurnwiseError, match="clip=0.3 has no effect with ratio=none"):
        loop_step(Setup(world, recipe.resolve({"clip": 0.3, "ratio": "none"}), "scratch:nano", 0))


def test_its_mean_gradient_is_that_of_the_true_advantages():
    """Unbiased: leave-one-out credit and exact returns-to-go agree in direction over many batches (a coin world)."""
    rng, total, exact = np.random.default_rng(0), np.zeros(2), np.zeros(2)
    p = 0.3
    for _ in range(4000):
        acts = rng.random(6) < p
        credit = Rloo().assign(outcome(acts.astype(float))).credit
        for act, a in zip(acts, credit, strict=True):
            score = np.array([act - p, (1 - act) - (1 - p)])
            total += a * score / 6
            exact += (float(act) - p) * score / 6
    assert total @ exact / np.linalg.norm(total) / np.linalg.norm(exact) > 0.999
    assert np.linalg.norm(total) == pytest.approx(np.linalg.norm(exact), rel=0.05)


def test_leave_one_out_reaches_the_rows_of_real_episodes():
    policy = nano("work-submit")
    episodes, _ = sample(policy, make("work-submit"), 2, Grouped(3), turns=None, max_new=8)
    rows = PolicyGradient(policy, PolicyGradientSettings(value=0.0), 0).rows(episodes)
    table = credit_table(Rloo(), episodes, rows, None)
    of_episode = [values[0] for values in table.values]
    assert sum(of_episode[:3]) == pytest.approx(0.0, abs=1e-9)
