"""A rule that has nothing to say: how often that is normal, and when a run must stop over it."""

from __future__ import annotations

import numpy as np

from turnwise.core.errors import TurnwiseError
from turnwise.credit.ragged import piece_of, piece_sums
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule


def trainable(x: CreditInput) -> np.ndarray:
    """bool (T,): turns with a token that the policy sampled; without tokens in the record, all."""
    if x.token_starts_T1 is None:
        return np.ones(len(x.rewards_T), dtype=bool)
    return x.sampled_per_turn_T > 0


def unpaid(result: CreditResult, x: CreditInput) -> np.ndarray:
    """bool (T,): trainable turns whose credit is exactly 0, on every sampled token where tokens are credited."""
    if result.unit == "turn":
        return trainable(x) & (result.credit == 0)
    paid = (result.credit != 0) & x.sampled_N
    return trainable(x) & (piece_sums(paid.astype(np.float64), x.given("token_starts_T1")) == 0)


def zero_share(result: CreditResult, x: CreditInput) -> float:
    """Share of trainable turns to which the rule gives nothing; 0 where there is no trainable turn."""
    count = int(trainable(x).sum())
    return float(unpaid(result, x).sum()) / count if count else 0.0


def check_heard(rule: CreditRule, x: CreditInput, result: CreditResult) -> None:
    """Refuse a batch of which a rule makes nothing at all, though there was something to make of it.

    All zeros alone are no fault: early on whole rounds fail alike, a solved task succeeds alike, and rounds in a
    row of that kind say nothing about the rule. So the batch must disagree with the silence: returns differ
    between trainable episodes that the rule compares (of one group where it needs groups). A rule that reads
    judgements may be silent about returns, as long as any judgement differs; one with a critic still teaches it.
    What is left is a rule that cannot speak: a judge that says the same of all, an episode's own z-score where the
    only reward is the last and nothing is discounted, a reward that reaches no turn that can be trained.

    Raises:
        TurnwiseError: zero credit on every trainable turn, differing returns, no critic to teach.
    """
    trained_T = trainable(x)
    if not trained_T.any() or zero_share(result, x) < 1.0:
        return
    taught = result.targets_T is not None or result.token_targets_N is not None or bool(result.critics)
    difference = _largest_difference(rule, x, trained_T)
    judged = "signals" in rule.needs
    if taught or difference == 0 or (judged and _judgements_differ(x)):
        return
    told = ", ".join(sorted({*x.signals_T, *x.signals_E}))
    raise TurnwiseError(
        f"the rule {rule.name!r} gives 0 to all {trained_T.sum()} trainable turns of this round, though returns "
        f"differ by up to {difference:.3g}" + (f"; of {told} every value is the same" if judged else ""),
        "credit on some turn wherever returns that it compares differ",
        "look at what the judge gives: it tells no turn from another"
        if judged
        else "choose another rule, such as rloo, or check that rewards reach turns that the policy wrote",
    )


def _largest_difference(rule: CreditRule, x: CreditInput, trained_T: np.ndarray) -> float:
    """Largest difference between returns of trainable episodes that are compared with each other."""
    among_E = np.zeros(len(x.done_E), dtype=bool)
    among_E[piece_of(x.starts_E1)[trained_T]] = True
    returns_E = x.returns_E[among_E]
    group_E = x.given("group_E", rule.name)[among_E] if "group" in rule.needs else np.zeros(len(returns_E), np.int64)
    _, number_E = np.unique(group_E, return_inverse=True)
    high, low = np.full(number_E.max() + 1, -np.inf), np.full(number_E.max() + 1, np.inf)
    np.maximum.at(high, number_E, returns_E)
    np.minimum.at(low, number_E, returns_E)
    widest = float((high - low).max())
    return widest if widest > 1e-9 * np.abs(returns_E).max() else 0.0  # sums of equal rewards differ in the last digit


def _judgements_differ(x: CreditInput) -> bool:
    """Whether any judgement tells two turns, or two episodes, apart; what nobody judged is left out."""
    held = [values[~np.isnan(values)] for values in (*x.signals_T.values(), *x.signals_E.values())]
    return any(values.size and np.ptp(values) > 0 for values in held)
