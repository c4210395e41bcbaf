"""The credit benchmark with a network as policy: its table, its gradient in the weights, and the stages."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from turnwise.bench.credit import networks
from turnwise.bench.credit.networks import Network, bench_networks, teach, told_problem
from turnwise.bench.credit.summary import cosine
from turnwise.learn.weights.optimiser import Optimiser
from turnwise.models.law import law_of
from turnwise.models.load import load_policy
from turnwise.worlds import make
from turnwise.worlds.exact import asked


@pytest.fixture(scope="module")
def network() -> Network:
    played = make("key-corridor").played
    made = Network(load_policy("scratch:nano", seed=1, corpus=played.texts), played)
    teach(made, Optimiser(made.policy, 1e-2), 2)
    return made


def test_the_table_is_what_the_policy_says(network: Network) -> None:
    played = make("key-corridor").played
    law = asked(law_of(network.policy, played.acts), played.views, len(played.acts))
    assert np.allclose(network.table(), law, atol=1e-6)


def test_the_gradient_is_taken_in_the_weights(network: Network) -> None:
    weights = np.random.default_rng(0).normal(size=network.shape)
    gradient = torch.from_numpy(weights.reshape(-1)) @ network.gradients().double()
    parameters = [p for p in network.policy.parameters() if p.requires_grad]
    along = gradient / gradient.norm()

    def value(step: float) -> float:
        with torch.no_grad():
            at = 0
            for p in parameters:
                p += step * along[at : at + p.numel()].view_as(p).to(p.dtype)
                at += p.numel()
            found = float((torch.from_numpy(weights) * network.law().clamp_min(1e-12).log()).sum())
            at = 0
            for p in parameters:
                p -= step * along[at : at + p.numel()].view_as(p).to(p.dtype)
                at += p.numel()
        return found

    assert (value(1e-3) - value(-1e-3)) / 2e-3 == pytest.approx(float(gradient.norm()), rel=0.02)


def test_lengths_and_angles_are_those_in_the_weights(network: Network) -> None:
    some = np.random.default_rng(1).normal(size=(3, network.shape[0] * network.shape[1]))
    in_weights, root = some @ network.gradients().double().numpy(), network.root()
    assert np.allclose((some @ root) @ (some @ root).T, in_weights @ in_weights.T, rtol=1e-6)
    assert root.shape[1] <= len(root)


def test_the_interval_of_a_cosine_holds_the_true_one() -> None:
    rng, exact, hits = np.random.default_rng(2), np.array([1.0, 0.0, 0.0]), 0
    for _ in range(200):
        found = cosine(np.array([1.0, 1.0, 0.0]) + rng.normal(size=(20, 3)), exact)
        hits += found.low <= 0.5**0.5 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_probe_and_critics_go_with_the_situations() -> None:
    bits, work = told_problem(make("bit-search").played), told_problem(make("work-submit").played)
    assert bits.probe is not None and bits.probe.shape == (8, len(bits.states))
    assert np.array_equal(bits.probe[:, ::2], bits.probe[:, 1::2])
    aligned = work.critics["aligned"]
    assert aligned.shape == (len(work.states), 4) and (aligned[:, -1] == 0).all() and aligned[1, 0] == 0.1


def test_rules_are_asked_at_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "LESSONS", 1)
    monkeypatch.setattr(networks, "STAGES", {"taught": 0.0})
    found = bench_networks(["key-corridor"], replicates=4, rules=["oracle"])["key-corridor"]
    (stage,) = found.values()
    assert list(found) == ["taught"] and stage["rules"].keys() == {"oracle"}
    assert stage["rules"]["oracle"]["pearson"] == [1.0, 0.0]
    assert 0.0 <= stage["other_texts"] <= 1.0 and 0.0 < stage["value"][0] < 1.0
    assert stage["rules"]["oracle"]["weights"][0] == pytest.approx(1.0, abs=0.1)
