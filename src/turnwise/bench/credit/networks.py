"""The benchmark with a network as the policy, at three stages of its training.

The text worlds tell the whole state and keep nothing else in view, so what a network says there is a table, worked out
exactly from its probabilities (`models.law`). Rules are asked about episodes of that table, against its exact values;
that the table comes from shared weights shows where the gradient is taken: in the weights themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from turnwise.bench.credit.run import document, figure, scored
from turnwise.bench.credit.statistics import Scores
from turnwise.bench.credit.summary import cosine, summarise
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.measure.estimate import Estimate
from turnwise.models.law import spellings
from turnwise.models.load import load_policy
from turnwise.models.policy import Policy
from turnwise.models.rows import Rows
from turnwise.worlds import make
from turnwise.worlds.tabular import Tabular, Values, solve, visits
from turnwise.worlds.tabular_world import Played, TabularWorld

STAGES = {"taught": 0.0, "half": 0.5, "most": 0.8}
"""Shares of the best expected return at which training stops to ask the rules; at first, legal acts are taught."""
SMALL = ("key-corridor", "work-submit", "loop-grid", "spelled")
"""Worlds in which a pass over all situations takes about a second at most."""
LESSONS, TEACHING, STEPS, ASCENT = 60, 3e-3, 400, 1e-3


class Network:
    """A policy in a text world, as a table that depends on its weights.

    Situations and acts are those of `Played`: [2S] and [A + 1], the last act being any other text.
    """

    def __init__(self, policy: Policy, played: Played):
        self.policy, self.played = policy, played
        ends = policy.chat.stop_ids[0]
        self.replies = [(act, (*ids, ends)) for act, text in enumerate(played.acts) for ids in spellings(policy, text)]
        self.all = Situations(self, range(len(played.views)))
        self.shape = (len(played.views), len(played.acts) + 1)

    def law(self) -> Tensor:
        """float64 [2S, A + 1], with gradient."""
        return self.all.law()

    def table(self) -> np.ndarray:
        """The law as it is now."""
        with torch.no_grad():
            law = self.law().numpy()
        return law / law.sum(1, keepdims=True)

    def gradients(self) -> Tensor:
        """Of log pi(a|s) in all parameters, float32 [2S (A + 1), parameters], one situation at a time."""
        parameters = [p for p in self.policy.parameters() if p.requires_grad]
        rows = []
        for number in range(self.shape[0]):
            logs = Situations(self, [number]).law().clamp_min(1e-12).log()[0]
            for log in logs:
                parts = torch.autograd.grad(
                    log, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
                )
                rows.append(torch.cat([part.flatten() for part in parts]))
        return torch.stack(rows)

    def root(self) -> np.ndarray:
        """A table's gradient has the same lengths and angles times this as it has in the weights, [2S (A + 1), D].

        sum_{s,a} w[s, a] grad log pi(a|s) = w J, and |w J|^2 = w J J' w' = |w R|^2 for R R' = J J'.
        """
        rows = self.gradients().double()
        found, basis = np.linalg.eigh((rows @ rows.T).numpy())
        kept = found > found[-1] * 1e-12
        return basis[:, kept] * np.sqrt(found[kept])


class Situations:
    """Some situations of a network, packed."""

    def __init__(self, network: Network, numbers: Iterable[int]):
        policy = network.policy
        prompts = [policy.chat.open(network.played.views[number]) for number in numbers]
        pairs = [(prompt, ids) for prompt in prompts for _, ids in network.replies]
        rows = [np.array([*prompt, *ids], np.int64) for prompt, ids in pairs]
        asked = [np.arange(len(row)) >= len(prompt) for row, (prompt, _) in zip(rows, pairs, strict=True)]
        self.policy, self.packed = policy, Rows.pack(rows, asked, policy.device)
        self.shape = (len(prompts), len(network.played.acts) + 1)
        self.reply = torch.from_numpy(np.repeat(np.arange(len(pairs)), [len(ids) for _, ids in pairs]))
        acts = [act for act, _ in network.replies]
        self.cell = torch.tensor([number * self.shape[1] + act for number in range(len(prompts)) for act in acts])

    def law(self) -> Tensor:
        """float64 [N, A + 1], with gradient; all spellings of an act add up, the rest goes to other texts."""
        logp = self.policy(self.packed).score(self.packed.targets)[0].double()
        spelled = torch.zeros(len(self.cell), dtype=torch.float64).index_add(0, self.reply, logp).exp()
        table = torch.zeros(self.shape[0] * self.shape[1], dtype=torch.float64).index_add(0, self.cell, spelled)
        legal = table.view(self.shape)[:, :-1]
        return torch.cat([legal, (1.0 - legal.sum(1, keepdim=True)).clamp_min(0.0)], 1)


def teach(network: Network, optimiser: Optimiser, lessons: int) -> None:
    """Towards all legal acts alike, in every situation."""
    for _ in range(lessons):
        (-network.law()[:, :-1].clamp_min(1e-30).log().mean()).backward()
        optimiser.step()


def trained(network: Network, problem: Tabular) -> Iterator[tuple[str, Values]]:
    """The stages: legal acts taught; then ascent along the exact gradient, no episode sampled."""
    teach(network, Optimiser(network.policy, TEACHING), LESSONS)
    optimiser = Optimiser(network.policy, ASCENT)
    best = expected(problem, solve(problem))
    waiting = list(STAGES.items())
    for _ in range(STEPS):
        law = network.law()
        now = law.detach().numpy()
        values = solve(problem, now / now.sum(1, keepdims=True))
        if expected(problem, values) >= waiting[0][1] * best:
            yield waiting.pop(0)[0], values
            if not waiting:
                return
        along = torch.from_numpy(visits(problem, values.policy).mean(0)[:, None] * values.advantages)
        (-(along * law).sum()).backward()
        optimiser.step()


def expected(problem: Tabular, values: Values) -> float:
    """Return of an episode of a uniformly drawn task."""
    return float((problem.start @ values.v).mean())


def told_problem(played: Played) -> Tabular:
    """The table as it is played, with the probe and the step critics of the bare one, which praise no other text."""
    bare = played.bare
    return replace(
        played.table,
        probe=None if bare.probe is None else np.repeat(bare.probe, 2, axis=1),
        critics={name: np.pad(np.repeat(told, 2, axis=0), ((0, 0), (0, 1))) for name, told in bare.critics.items()},
    )


def bench_networks(
    worlds: Sequence[str] = SMALL,
    model: str = "scratch:nano",
    replicates: int = 20,
    seed: int = 0,
    rules: Sequence[str] = (),
    watch: Callable[[str, float], None] = lambda what, share: None,
) -> dict[str, Any]:
    """The rows on episodes of a network.

    Returns:
        {world: {stage, without those that training does not reach: {value, other_texts, rules: {row: figures}}}}; the
        figure `weights` is the cosine in the network's own parameters.
    """
    found: dict[str, Any] = {}
    for number, world in enumerate(worlds):
        place = make(world)
        assert isinstance(place, TabularWorld)
        problem = told_problem(place.played)
        policy = load_policy(model, seed=seed, corpus=place.played.texts)
        network, found[world] = Network(policy, place.played), {}
        for stage, values in trained(network, problem):
            watch(f"{model} in {world}: {stage}", number / len(worlds))
            key = (seed, "bench credit network", world, stage)
            scores = scored(problem, values, replicates, key, rules, lambda share: None)
            cosines = in_weights(network, problem, values, scores)
            often = visits(problem, values.policy).mean(0)
            found[world][stage] = {
                "value": [float(one) for one in problem.start @ values.v],
                "other_texts": float(often @ values.policy[:, -1] / often.sum()),
                "rules": {
                    name: document(summarise(ones, problem, values)) | {"weights": figure(cosines[name])}
                    for name, ones in scores.items()
                },
            }
    return found


def in_weights(
    network: Network, problem: Tabular, values: Values, scores: Mapping[str, Sequence[Scores]]
) -> dict[str, Estimate]:
    """Per row the cosine of the mean gradient and the exact one in the parameters, freed of the noise of its length."""
    root, often = network.root(), visits(problem, values.policy).mean(0)[:, None]
    exact = (often * values.policy * values.advantages).reshape(-1) @ root
    return {
        name: cosine(np.array([one.sums.reshape(-1) / one.episodes for one in ones]) @ root, exact)
        for name, ones in scores.items()
    }
