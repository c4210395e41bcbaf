"""What people gave, by who they are and what was said to them: a model fitted to the real gifts, and checked.

    eta      = sum of move_weights over the moves that were made + trait_weights . standardised traits
    P(y > k) = sigmoid(eta - threshold_k)     y: the level of the gift, 0 (nothing) to 4      (proportional odds, ridge)
    reaction ~ the share of each among the answers to a move of those who gave, and of those who did not

These are associations: nobody drew at random what a persuader said. Personality predicts gifts in talks that were held
out; the moves do not (`check` shows both), so their weights, held by a weak ridge alone, are what was seen and no more.
`first` and `second` are fitted to disjoint halves of the talks, so that an agent trained on one can be tried on the
other; `both` has all, for the check.

python -m turnwise.worlds.persuade_fit      writes worlds/data/persuade/fit.json anew, and prints the check
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from turnwise.core.chance import generator
from turnwise.worlds.persuade_data import CHAT, MOVES, REACTIONS, Talk, load

FILE = resources.files("turnwise.worlds") / "data" / "persuade" / "fit.json"
KINDS = tuple(MOVES.values())
ANSWERS = (*dict.fromkeys(REACTIONS.values()), CHAT)
CUTS = (0.0, 0.25, 0.75, 1.5)
"""Dollars above which a gift is of the next level."""
RIDGES = (10.0, 30.0, 100.0, 300.0)
"""Strengths tried on the traits; the one with the least held-out loss is taken."""
MOVE_RIDGE, NO_MOVES = 3.0, 1e6
"""Strength on the moves: a weight is about 0 give or take 0.6 before anything is seen; and one that leaves them out."""
FOLDS = 10
PRIOR = 8.0
"""Answers to any move that stand beside those to one."""


@dataclass(frozen=True)
class Fit:
    """A model of one half of the talks, or of all."""

    move_weights: dict[str, float]
    trait_weights: dict[str, float]
    thresholds: tuple[float, ...]
    amounts: tuple[float, ...]  # mean gift of each level, dollars
    reactions: dict[str, list[list[float]]]  # move -> probabilities of `ANSWERS` [of those who gave nothing, of others]


def levels(talks: Sequence[Talk]) -> np.ndarray:
    """The level of each gift, int [talks]."""
    gifts = np.array([talk.gift for talk in talks])
    return (gifts[:, None] > np.array(CUTS)).sum(1)


def moves_made(talks: Sequence[Talk]) -> np.ndarray:
    """1 where a move was made, float [talks, moves]; the mean where nobody labelled the talk."""
    made = np.array([[kind in t.moves for kind in KINDS] if t.exchanges else [np.nan] * len(KINDS) for t in talks])
    return np.where(np.isnan(made), np.nanmean(made, 0), made)


@lru_cache(maxsize=1)
def _scale() -> tuple[np.ndarray, np.ndarray]:
    scores = np.array([talk.traits for talk in load().talks])
    return np.nanmean(scores, 0), np.nanstd(scores, 0)


def standardised(talks: Sequence[Talk]) -> np.ndarray:
    """Traits with mean 0 and spread 1 over all talks, float [talks, traits]; 0 where a score is missing."""
    mean, spread = _scale()
    return np.nan_to_num((np.array([talk.traits for talk in talks]) - mean) / spread)


def features(talks: Sequence[Talk]) -> np.ndarray:
    """Moves and traits, float [talks, features]."""
    return np.concatenate([moves_made(talks), standardised(talks)], 1)


def regression(
    x: np.ndarray, y: np.ndarray, ridge: float, move_ridge: float = MOVE_RIDGE
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and thresholds of the ordinal model, by penalised maximum likelihood."""
    from scipy.optimize import minimize

    count = x.shape[1]
    ridges = np.where(np.arange(count) < len(KINDS), move_ridge, ridge)

    def unpacked(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return w[:count], np.cumsum(np.concatenate([w[count : count + 1], np.exp(w[count + 1 :])]))

    def loss(w: np.ndarray) -> float:
        weights, thresholds = unpacked(w)
        return float(-np.log(likelihood(x @ weights, thresholds, y)).sum() + (ridges * weights**2).sum() / 2)

    begin = np.concatenate([np.zeros(count + 1), np.full(len(CUTS) - 1, np.log(0.5))])
    return unpacked(minimize(loss, begin, method="L-BFGS-B").x)


def likelihood(eta: np.ndarray, thresholds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Probability of each level that was seen."""
    above = 1 / (1 + np.exp(thresholds - eta[:, None]))
    above = np.concatenate([np.ones((len(y), 1)), above, np.zeros((len(y), 1))], 1)
    rows = np.arange(len(y))
    return np.maximum(above[rows, y] - above[rows, y + 1], 1e-12)


def held_out(talks: Sequence[Talk], ridge: float, move_ridge: float = MOVE_RIDGE) -> tuple[np.ndarray, np.ndarray]:
    """Of every talk, by a model that has not seen it: the loss of its level, and the chance that it gave at all."""
    x, y = features(talks), levels(talks)
    fold = generator("persuade folds").permutation(len(y)) % FOLDS
    losses, gives = np.empty(len(y)), np.empty(len(y))
    for number in range(FOLDS):
        out = fold == number
        weights, thresholds = regression(x[~out], y[~out], ridge, move_ridge)
        losses[out] = -np.log(likelihood(x[out] @ weights, thresholds, y[out]))
        gives[out] = 1 / (1 + np.exp(thresholds[0] - x[out] @ weights))
    return losses, gives


def reactions(talks: Sequence[Talk]) -> dict[str, list[list[float]]]:
    """How those who gave nothing, and the others, answered each move; few answers lean on those to all moves."""
    counts = np.zeros((len(KINDS), 2, len(ANSWERS)))
    for talk in talks:
        for moves, reaction in talk.exchanges or ():
            for kind in moves:
                counts[KINDS.index(kind), int(talk.gift > 0), ANSWERS.index(reaction)] += 1
    anyhow = (counts.sum(0) + 0.5) / (counts.sum(0) + 0.5).sum(-1, keepdims=True)
    shares = (counts + PRIOR * anyhow) / (counts.sum(-1, keepdims=True) + PRIOR)
    return {kind: [[round(float(p), 5) for p in row] for row in shares[n]] for n, kind in enumerate(KINDS)}


def fitted(talks: Sequence[Talk], ridge: float) -> Fit:
    """The model of these talks."""
    weights, thresholds = regression(features(talks), levels(talks), ridge)
    gifts, level = np.array([talk.gift for talk in talks]), levels(talks)
    named = [round(float(weight), 4) for weight in weights]
    return Fit(
        dict(zip(KINDS, named, strict=False)),
        dict(zip(load().traits, named[len(KINDS) :], strict=True)),
        tuple(round(float(t), 4) for t in thresholds),
        tuple(round(float(gifts[level == k].mean()), 2) for k in range(len(CUTS) + 1)),
        reactions(talks),
    )


def halves() -> tuple[tuple[Talk, ...], tuple[Talk, ...]]:
    """The talks of the two fits."""
    talks = load().talks
    return talks[::2], talks[1::2]


def check(talks: Sequence[Talk], ridge: float) -> dict[str, Any]:
    """Held-out figures beside those of a model without features; gifts predicted and seen, by fifths of prediction."""
    gave = np.array([talk.gift > 0 for talk in talks])
    labelled = np.array([talk.exchanges is not None for talk in talks])
    losses, gives = held_out(talks, ridge)
    traits_alone, _ = held_out(talks, ridge, NO_MOVES)
    rate = gave.mean()
    order = np.array_split(np.argsort(gives, kind="stable"), 5)
    ranked = gives[gave][:, None] - gives[~gave][None]
    return {
        "talks": len(talks),
        "labelled": int(labelled.sum()),
        "loss_held_out": round(float(losses.mean()), 4),
        "loss_held_out_labelled": round(float(losses[labelled].mean()), 4),
        "loss_held_out_labelled_traits_alone": round(float(traits_alone[labelled].mean()), 4),
        "loss_without_features": round(float(_entropy(levels(talks))), 4),
        "giving_loss_held_out": round(float(-np.log(np.where(gave, gives, 1 - gives)).mean()), 4),
        "giving_loss_without_features": round(float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))), 4),
        "auc_held_out": round(float((ranked > 0).mean() + (ranked == 0).mean() / 2), 4),
        "giving_predicted": [round(float(gives[part].mean()), 3) for part in order],
        "giving_seen": [round(float(gave[part].mean()), 3) for part in order],
    }


def _entropy(y: np.ndarray) -> float:
    share = np.bincount(y) / len(y)
    return -(share * np.log(share)).sum()


def document() -> dict[str, Any]:
    """All fits, and the check of the model that has all talks, with the ridge that its held-out loss chose."""
    talks = load().talks
    losses = {ridge: float(held_out(talks, ridge)[0].mean()) for ridge in RIDGES}
    ridge = min(losses, key=losses.__getitem__)
    parts = dict(zip(("first", "second"), halves(), strict=True)) | {"both": talks}
    fits = {name: asdict(fitted(part, ridge)) for name, part in parts.items()}
    return {"ridge": ridge, "losses": {str(r): round(v, 4) for r, v in losses.items()}, "fits": fits} | {
        "check": check(talks, ridge)
    }


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Any]:
    """What the package ships."""
    return json.loads(FILE.read_text("utf-8"))


@lru_cache(maxsize=3)
def fit_of(name: str) -> Fit:
    """A shipped fit: first, second or both."""
    found = shipped()["fits"][name]
    return Fit(**{**found, "thresholds": tuple(found["thresholds"]), "amounts": tuple(found["amounts"])})


@lru_cache(maxsize=3)
def typical(name: str) -> float:
    """What the moves of an average talk add to eta in a fit."""
    made = np.mean([[kind in talk.moves for kind in KINDS] for talk in load().talks if talk.exchanges], 0)
    return float(made @ [fit_of(name).move_weights[kind] for kind in KINDS])


if __name__ == "__main__":
    made = document()
    Path(str(FILE)).write_text(json.dumps(made, indent=1) + "\n", "utf-8")
    print(json.dumps({name: made[name] for name in ("ridge", "losses", "check")}, indent=1))
