"""When a rule that says nothing stops a run: only if the batch had something to say, and nothing else can learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from turnwise.core.errors import TurnwiseError
from turnwise.core.types import ROOT, End, Episode, Leaf, Message, Task, Tokens, Turn
from turnwise.credit import RULES, CreditInput, CreditResult
from turnwise.credit.blink import Blink
from turnwise.credit.dir import Dir
from turnwise.credit.episode_z import EpisodeZ
from turnwise.credit.grpo import Grpo
from turnwise.credit.outcome import Outcome
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.silence import check_heard, trainable, unpaid, zero_share
from turnwise.credit.spa import Spa
from turnwise.learn.credited import credit_table
from turnwise.learn.sequences import rows_of

MUTE = EpisodeZ(gamma=1.0)
"""With the only reward at the end and no discount, all turns of an episode have one return-to-go: z-scores of 0."""


def batch(last=(1.0, 0.0, 0.0, 0.0), group=(0, 0, 1, 1), sampled=None, **judged):
    """Four episodes of two turns, two tokens each."""
    rewards = np.array([[0.0, r] for r in last]).ravel()
    return CreditInput(
        rewards,
        np.arange(5) * 2,
        np.ones(4, bool),
        group_E=group,
        token_starts_T1=np.arange(9) * 2,
        token_mask_N=sampled,
        token_values_N=np.zeros(16),
        values_T=np.zeros(8),
        signals_T={name: np.broadcast_to(np.asarray(v, float), 8) for name, v in judged.items()},
        signals_E={name: np.zeros(4) for name in judged},
    )


def heard(rule, x):
    check_heard(rule, x, rule.assign(x))


def test_share_of_trainable_turns_with_nothing():
    x = batch(sampled=np.repeat([1, 1, 1, 1, 1, 1, 0, 0], 2))
    result = Grpo().assign(x)
    np.testing.assert_array_equal(trainable(x), [1, 1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(unpaid(result, x), [0, 0, 0, 0, 1, 1, 0, 0])
    assert zero_share(result, x) == pytest.approx(2 / 6)
    on_tokens = CreditResult("token", result.on_tokens(x))
    assert zero_share(on_tokens, x) == pytest.approx(2 / 6)
    one_token = np.zeros(16)
    one_token[9] = 1.0
    assert zero_share(CreditResult("token", one_token), x) == pytest.approx(5 / 6)
    without = CreditInput(x.rewards_T, x.starts_E1, x.done_E, group_E=x.group_E)
    assert zero_share(result, without) == pytest.approx(4 / 8)
    nobody = batch(sampled=np.zeros(16))
    assert zero_share(Grpo().assign(nobody), nobody) == 0.0
    heard(MUTE, nobody)


def test_silence_where_returns_differ_is_refused():
    with pytest.raises(
        TurnwiseError, match=r"(?s)'episode-z' gives 0 to all 8 trainable turns.*differ by up to 1.*rloo"
    ):
        heard(MUTE, batch())
    heard(Outcome(), batch())


@pytest.mark.parametrize("last", [(0.0,) * 4, (1.0,) * 4])
def test_a_round_in_which_all_fail_or_all_succeed_is_normal(last):
    heard(MUTE, batch(last))
    heard(Grpo(), batch(last))


def test_a_rule_of_groups_is_silent_rightly_when_every_group_ties():
    x = batch((1.0, 1.0, 0.0, 0.0))
    assert zero_share(Grpo().assign(x), x) == 1.0
    heard(Grpo(), x)
    thirds = batch((0.1 + 0.2, 0.3, 0.0, 0.0))  # the same sum, but for the last digit
    check_heard(Grpo(), thirds, CreditResult("turn", np.zeros(8)))


def test_returns_of_episodes_that_cannot_be_trained_do_not_count():
    x = batch(sampled=np.repeat([0, 0, 1, 1, 1, 1, 1, 1], 2))  # the success was written by somebody else
    heard(MUTE, x)


def test_a_critic_that_can_still_learn_keeps_a_round_alive():
    x = batch()
    silent = np.zeros(8)
    check_heard(RULES["turn-gae"](), x, CreditResult("turn", silent, targets_T=silent))
    check_heard(RULES["token-gae"](), x, CreditResult("token", np.zeros(16), token_targets_N=np.zeros(16)))


def test_judges_that_say_the_same_of_everything_are_named():
    with pytest.raises(
        TurnwiseError, match=r"(?s)of contribution every value is the same.*look at what the judge gives"
    ):
        heard(Spa(), batch(contribution=0.0))
    with pytest.raises(TurnwiseError, match="of act, form, look every value is the same"):
        heard(Blink(), batch(form=1.0, look=0.0, act=1.0))


def test_a_judged_rule_may_be_silent_about_returns():
    """Advice with wrong labels earns nothing, although answers, and returns, differ."""
    heard(Dir(form=0.0), batch(score=[0, 1] * 4, label=0.0))


# --- where a run meets it ---------------------------------------------------------------------------------------------


def line(reward, name):
    """Two turns, the reward on the second."""
    turns = []
    for parent in (ROOT, 0):
        tokens = Tokens(np.array([5], np.int32), np.array([6, 7], np.int32), np.zeros(2, np.float32), np.ones(2, bool))
        earned = {"agent": reward if parent == 0 else 0.0}
        turns.append(Turn(parent, parent + 1, "agent", (), Message("assistant", "say"), earned, tokens))
    return Episode(name, Task("t", "made"), tuple(turns), (Leaf(1, End.DONE),))


def test_every_update_asks():
    won, lost = line(1.0, "a"), line(0.0, "b")
    for episodes, refused in (([won, lost], True), ([won, won], False), ([lost, lost], False)):
        rows = rows_of(episodes)
        if refused:
            with pytest.raises(TurnwiseError, match="gives 0 to all 4 trainable turns"):
                credit_table(MUTE, episodes, rows, None)
        else:
            credit_table(MUTE, episodes, rows, None)
        credit_table(replace(RewardToGo(), gamma=0.5), episodes, rows, None)
