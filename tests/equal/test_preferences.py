"""Preference learning: the worked numbers of specs/learn/multi_turn_dpo_kto, tdpo and itool, and a step that equals a
readable loop over plain forward passes.
"""

from __future__ import annotations

import copy
import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from made_play import Branches, Made, apart, gradients_of, nano, sample
from turnwise.core.chance import generator
from turnwise.core.errors import TurnwiseError, UnknownName
from turnwise.core.types import Batch, End, Episode, Leaf, Message, Signal, Task, Turn
from turnwise.explore import Grouped
from turnwise.learn.alternatives import AGAINST, overlap, states, step_pairs
from turnwise.learn.pairs import Pair, Side, Verdict, by_task, pairs_by_return, pairs_of, verdicts_of, whole
from turnwise.learn.sides import side_rows
from turnwise.learn.weights.dpo import Dpo, dpo_loss
from turnwise.learn.weights.forward_kl import forward_kl
from turnwise.learn.weights.kto import Kto, behind, kto_loss, opening, strangers
from turnwise.learn.weights.policy_gradient import frozen
from turnwise.learn.weights.preference import Preference, PreferenceSettings
from turnwise.learn.weights.simpo import Simpo
from turnwise.learn.weights.sums import Sums
from turnwise.learn.weights.tdpo import Tdpo
from turnwise.worlds import make

PAIR = Pair(Side(0, 0, ()), Side(1, 0, ()))


def sums(logp, kl=(0.0, 0.0), reference=None, tokens=None, strange=None):
    """Sums of some sides; the log-probability and the KL carry gradient."""
    nothing, ones = [0.0] * len(logp), [1.0] * len(logp)
    given = (logp, reference or nothing, kl, tokens or ones, strange or nothing)
    made = Sums(*(torch.tensor(x, dtype=torch.float64) for x in given))
    return dataclasses.replace(made, logp=made.logp.requires_grad_(), kl=made.kl.requires_grad_())


def loss(objective, given, examples=(PAIR,)):
    losses, numbers = objective.losses(given, examples)
    assert all(value.ndim == 1 for value in numbers.values())
    return losses


# --- DPO: worked numbers ---


def test_the_worked_margin_of_two_turns():
    """Per-turn log-ratios (2, 1) and (-1, -2)."""
    given = sums([2.0 + 1.0, -1.0 - 2.0])
    _, numbers = Dpo(0.1).losses(given, [PAIR])
    assert numbers["margin"].item() == pytest.approx(0.6)
    assert loss(Dpo(0.1), given).item() == pytest.approx(0.43749, abs=1e-5)


def test_an_unmasked_observation_would_shrink_the_worked_margin():
    given = sums([3.0, -3.0 + 5.0])
    assert loss(Dpo(0.1), given).item() == pytest.approx(0.64440, abs=1e-5)


def test_a_reference_that_moves_along_changes_nothing():
    one, other = sums([3.0, -3.0]), sums([4.0, 1.0], reference=[1.0, 4.0])
    assert loss(Dpo(0.1), one).item() == loss(Dpo(0.1), other).item()


def test_the_likelihood_term_is_a_mean_over_tokens_of_the_better_side():
    given = sums([-6.0, -3.0], reference=[-6.0, -3.0], tokens=[4.0, 1.0])
    assert loss(Dpo(0.1, nll=0.5), given).item() == pytest.approx(np.log(2) + 0.5 * 6 / 4)


# --- KTO ---


@pytest.mark.parametrize(("ratio", "good", "wanted"), [(3.0, True, 0.43782), (-3.0, False, 0.41338)])
def test_the_worked_losses_of_kto(ratio, good, wanted):
    found = kto_loss(torch.tensor([ratio]), torch.tensor(0.5), torch.tensor([good]), 0.1, 1.0, 1.0)
    assert float(found) == pytest.approx(wanted, abs=1e-5)


def test_z_is_never_negative_and_carries_no_gradient():
    verdicts = [Verdict(PAIR.better, True), Verdict(PAIR.worse, False)]
    for strange, z in (([-4.0, 1.0], 0.0), ([4.0, -1.0], 1.5)):
        given = sums([3.0, -3.0], strange=strange)
        given = dataclasses.replace(given, strangers=given.strangers.requires_grad_())
        losses, numbers = Kto(0.1).losses(given, verdicts)
        assert float(numbers["z"]) == z
        losses.sum().backward()
        assert given.strangers.grad is None and bool(given.logp.grad.all())


def test_weights_of_kto():
    verdicts = [Verdict(PAIR.better, True), Verdict(PAIR.worse, False)]
    plain, weighed = (loss(Kto(0.1, *w), sums([3.0, -3.0], strange=[0.5, 0.5]), verdicts) for w in ((1, 1), (2, 3)))
    assert (weighed / plain).tolist() == pytest.approx([2.0, 3.0])


def test_strangers_open_as_the_next_side_does():
    policy, batch = played()
    sides = [whole(batch.episodes, n) for n in range(3)]
    held = side_rows(batch.episodes, sides, policy.chat)
    for side, other, found in zip(held, [*held[1:], held[0]], strangers(held, 10**6), strict=True):
        for n, (row, made) in enumerate(zip(side, found, strict=True)):
            shown = other[n % len(other)]
            assert made.ids[: opening(made)].tolist() == shown.ids[: opening(shown)].tolist()
            assert made.ids[opening(made) :].tolist() == row.ids[opening(row) :].tolist()
            assert made.ids[made.loss].tolist() == row.ids[row.loss].tolist()
            assert all(made.loss[s.start : s.end].any() for s in made.spans)
    short = behind(held[0][0], held[1][0], opening(held[1][0]) + 1)
    assert len(short) == opening(held[1][0]) + 1 == len(short.loss) and short.loss.sum() == 1


# --- TDPO ---


def laws(*p):
    return torch.log(torch.tensor([p], dtype=torch.float64))


def tdpo_example():
    """ref (0.5, 0.5); better pi (0.8, 0.2) with symbol 0 taken; worse pi = ref."""
    moved = float(forward_kl(laws(0.5, 0.5), laws(0.8, 0.2)))
    return sums([np.log(0.8), np.log(0.5)], [moved, 0.0], [np.log(0.5)] * 2)


def test_the_worked_example_of_tdpo():
    given = tdpo_example()
    assert (given.ratio[0] - given.ratio[1]).item() == pytest.approx(0.47000, abs=1e-5)
    assert given.kl[0].item() == pytest.approx(0.22314, abs=1e-5)
    for objective, wanted in ((Tdpo(variant="tdpo1"), 0.65909), (Tdpo(), 0.66449), (Dpo(), 0.66992)):
        assert float(loss(objective, given).detach()) == pytest.approx(wanted, abs=1e-5)
    z = {v: float(Tdpo(1.0, 0.5, v).losses(given, [PAIR])[1]["margin"].detach()) for v in ("tdpo1", "tdpo2")}
    assert z == pytest.approx({"tdpo1": 0.69315, "tdpo2": 0.58158}, abs=1e-5)


def test_the_kl_is_reference_first():
    assert float(forward_kl(laws(0.8, 0.2), laws(0.5, 0.5))) == pytest.approx(0.19274, abs=1e-5)


def test_the_kl_is_never_negative_and_takes_zeros():
    rng = np.random.default_rng(0)
    one, other = (torch.log_softmax(torch.from_numpy(rng.normal(size=(50, 7))), -1) for _ in range(2))
    assert bool((forward_kl(one, other) > 0).all()) and float(forward_kl(one, one).abs().max()) == 0.0
    assert float(forward_kl(torch.tensor([[0.0, -torch.inf]]), laws(0.5, 0.5))) == pytest.approx(np.log(2))


def test_tdpo2_lets_no_gradient_through_the_better_kl():
    for variant, moved in (("tdpo1", True), ("tdpo2", False)):
        given = tdpo_example()
        loss(Tdpo(variant=variant), given).sum().backward()
        assert bool(given.kl.grad[0] != 0) is moved and float(given.kl.grad[1]) != 0


def test_tdpo2_without_alpha_is_dpo():
    one, other = tdpo_example(), tdpo_example()
    losses = loss(Tdpo(alpha=0.0), one), loss(Dpo(), other)
    for found in losses:
        found.sum().backward()
    assert losses[0].item() == losses[1].item() and torch.equal(one.logp.grad, other.logp.grad)
    assert not one.kl.grad.any()


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'tdpo1'"):
        Tdpo(variant="tpdo1")
    with pytest.raises(UnknownName, match="did you mean 'start'"):
        PreferenceSettings(reference="strat")


# --- SimPO ---


def test_the_worked_loss_of_simpo():
    """Mean log-probabilities -0.5 and -1.0, over 4 and 2 tokens."""
    given = sums([-2.0, -2.0], tokens=[4.0, 2.0])
    losses, numbers = Simpo(2.5, 0.5).losses(given, [PAIR])
    assert numbers["margin"].item() == pytest.approx(0.75) and losses.item() == pytest.approx(0.38687, abs=1e-5)


# --- pairs ---


def played(count=8, turns=3, world=None):
    """A policy and its episodes: groups of one task each."""
    policy = nano("maze")
    episodes, _ = sample(policy, world or Made(turns=4), count, turns=turns)
    return policy, Batch(episodes)


def earning(episode, amount):
    """The same episode when its last turn earned so much."""
    *first, last = (dataclasses.replace(turn, rewards={}) for turn in episode.turns)
    return dataclasses.replace(episode, turns=(*first, dataclasses.replace(last, rewards={"agent": float(amount)})))


def graded(policy_and_batch, returns):
    policy, batch = policy_and_batch
    episodes = [earning(e, r) for e, r in zip(batch.episodes, returns, strict=True)]
    return policy, Batch(episodes)


def test_a_task_on_which_all_ended_alike_yields_no_pair():
    _, batch = graded(played(), [1, 0, 0, 1, 1, 0, 1, 1])  # tasks 0 to 3 twice: (1, 1), (0, 0), (0, 1), (1, 1)
    (pair,) = pairs_of(batch, generator(0), 9)
    assert (pair.better.episode, pair.worse.episode) == (6, 2)
    assert verdicts_of(batch, generator(0)) == [Verdict(pair.better, True), Verdict(pair.worse, False)]


def test_a_broken_path_is_on_no_side():
    _, batch = graded(played(), [1, 0, 0, 1, 1, 0, 1, 1])
    episodes = list(batch.episodes)
    episodes[2] = dataclasses.replace(episodes[2], ends=(dataclasses.replace(episodes[2].ends[0], end=End.ERROR),))
    assert not pairs_of(Batch(episodes), generator(0))
    preferred = Signal(episodes[6].id, "rank", better_than=episodes[2].id)
    assert not pairs_of(Batch(episodes, [preferred]), generator(0))


def test_pairs_are_drawn_evenly_and_never_twice():
    _, batch = played()
    same = [dataclasses.replace(earning(e, n % 3), task=batch.episodes[0].task) for n, e in enumerate(batch.episodes)]
    everything = pairs_by_return(same, generator(0), 10**6)
    assert len(everything) == len(set(everything)) == 21  # 3, 3, 2 episodes that earned 0, 1, 2: 9 + 6 + 6
    assert all(same[p.better.episode].total() > same[p.worse.episode].total() for p in everything)
    drawn = [pairs_by_return(same, generator(k), 1)[0] for k in range(400)]
    assert set(drawn) == set(everything)
    assert len(pairs_by_return(same, generator(0), 5)) == 5


def test_a_preference_is_taken_before_returns():
    _, batch = graded(played(), [1, 0, 0, 1, 1, 0, 1, 1])
    ids = [e.id for e in batch.episodes]
    signals = [Signal(ids[0], "rank", better_than=ids[5]), Signal(ids[1], "rank", value=3.0), Signal("x", "r", None, 0)]
    signals.append(Signal(ids[1], "rank", better_than="another batch"))
    assert pairs_of(Batch(batch.episodes, signals), generator(0)) == [
        Pair(whole(batch.episodes, 0), whole(batch.episodes, 5))
    ]
    with pytest.raises(TurnwiseError, match="preferred to itself by anna"):
        pairs_of(Batch(batch.episodes, [Signal(ids[0], "r", better_than=ids[0], source="anna")]), generator(0))


def test_branches_of_a_tree_are_sides_that_share_turns():
    policy = nano("maze")
    episodes, _ = sample(policy, Made(turns=4), 1, Branches(), turns=None)
    (sides,) = by_task(episodes).values()
    assert len(sides) == 3 and {side.turns[:2] for side in sides} == {(0, 1)}
    for side, rows in zip(sides, side_rows(episodes, sides, policy.chat), strict=True):
        written = np.concatenate([episodes[0].turns[i].tokens.reply for i in side.turns])
        assert np.concatenate([row.ids[row.loss] for row in rows]).tolist() == written.tolist()
    (only,) = side_rows(episodes, [Side(0, 1, (sides[1].turns[-1],))], policy.chat)
    assert only[0].ids[only[0].loss].tolist() == episodes[0].turns[sides[1].turns[-1]].tokens.reply.tolist()


def test_an_episode_in_which_nobody_spoke_is_no_side():
    _, batch = played(2)
    silent = dataclasses.replace(batch.episodes[0], turns=(), ends=(Leaf(-1, End.LEFT),))
    assert not by_task([silent])


# --- alternatives from one state ---


def told(task, *steps, fresh=False, key="t", error=None):
    """An episode of given steps (what was seen, what was said, what that earned)."""
    turns = tuple(
        Turn(n - 1, n, "agent", (Message("user", seen),), Message("assistant", said), {"agent": earned}, fresh=fresh)
        for n, (seen, said, earned) in enumerate(steps)
    )
    end = Leaf(len(turns) - 1, End.ERROR if error else End.DONE, error=error)
    return Episode(f"{key}/{len(steps)}", Task(task, "made"), turns, (end,))


def chosen(episodes, **how):
    """(better, worse) texts of the pairs."""
    texts = lambda side: episodes[side.episode].turns[side.turns[0]].message.text  # noqa: E731
    return [(texts(pair.better), texts(pair.worse)) for pair in step_pairs(episodes, **how)]


def test_alternatives_share_all_that_was_read_before_them():
    one = told("t", ("start", "left", 0.0), ("a wall", "up", 1.0))
    two = told("t", ("start", "left", 0.0), ("a wall", "down", 0.0))
    three = told("t", ("start", "right", 0.0), ("a wall", "down", 3.0))  # sees the same, after other words
    other = told("another", ("start", "left", 9.0))
    episodes = [one, two, three, other]
    assert chosen(episodes) == [("right", "left"), ("up", "down")]
    for pair in step_pairs(episodes):
        contexts = [list(context(episodes[s.episode], s.turns[0])) for s in pair.sides]
        assert contexts[0] == contexts[1]
    assert [[a.worth for a in of_state] for of_state in states(episodes)] == [[0.5, 3.0], [1.0, 0.0], [3.0], [9.0]]


def context(episode, turn):
    for n in episode.path():
        yield from (m.text for m in episode.turns[n].seen)
        if n == turn:
            return
        yield episode.turns[n].message.text


def test_a_view_that_begins_anew_is_the_whole_state():
    one = told("t", ("start", "left", 0.0), ("a wall", "up", 1.0), fresh=True)
    two = told("t", ("start", "right", 0.0), ("a wall", "down", 0.0), fresh=True)
    assert chosen([one, two]) == [("left", "right"), ("up", "down")]


def test_one_episode_or_one_text_yields_no_pair():
    one = told("t", ("start", "left", 1.0))
    assert not step_pairs([one]) and not step_pairs([one, told("t", ("start", "left", 0.0))])
    assert not step_pairs([one, told("t", ("start", "right", 0.0), error="broke")])


def test_the_gap_and_the_overlap_decide():
    episodes = [told("t", ("s", text, worth)) for text, worth in (("f(a, b)", 1.0), ("f(a, c)", 0.95), ("g(d)", 0.0))]
    assert chosen(episodes, against="all") == [("f(a, b)", "g(d)")]  # 0.05 is no gap
    assert chosen(episodes, against="all", gap=0.05) == [("f(a, b)", "f(a, c)"), ("f(a, b)", "g(d)")]
    assert chosen(episodes, against="all", gap=0.05, alike=0.4) == [("f(a, b)", "g(d)")]
    assert chosen(episodes) == [("f(a, b)", "g(d)")] and not step_pairs(episodes, least=2)
    same = [told("t", ("s", text, 1.0)) for text in ("x", "y")]
    assert not step_pairs(same, gap=0.0)
    with pytest.raises(UnknownName, match="did you mean 'worst'"):
        step_pairs(episodes, against="wurst")


def test_the_worked_overlap():
    assert overlap("f(a, b)", "f(a, c)") == 0.5 and overlap("f(a, b)", "f(a, b)") == 1.0 and overlap("", "a") == 1.0


@pytest.mark.parametrize("against", AGAINST)
def test_a_better_turn_never_stands_among_the_worse_of_its_state(against):
    episodes, _ = sample(nano("maze"), make("maze"), 3, Grouped(5), turns=2)
    worths = np.random.default_rng(0).normal(size=len(episodes))
    batch = Batch([earning(e, worth) for e, worth in zip(episodes, worths, strict=True)])
    pairs = step_pairs(batch.episodes, 0.0, against=against)
    assert pairs
    for pair in pairs:
        texts = [batch.episodes[s.episode].turns[s.turns[0]].message.text for s in pair.sides]
        assert texts[0] != texts[1] and all(len(side.turns) == 1 for side in pair.sides)


def test_branches_of_one_tree_are_alternatives():
    policy = nano("maze")
    (tree,), _ = sample(policy, Made(turns=4), 1, Branches(), turns=None)
    last = [leaf.turn for leaf in tree.ends]
    turns = [dataclasses.replace(t, rewards={"agent": float(n == last[1])}) for n, t in enumerate(tree.turns)]
    tree = dataclasses.replace(tree, turns=tuple(turns))
    pairs = step_pairs([tree], against="all")
    split = {tree.turns[side.turns[0]].parent for pair in pairs for side in pair.sides}
    assert split == {1} and all(tree.path(pair.better.leaf)[-1] == last[1] for pair in pairs)


# --- the step ---

OBJECTIVES = {
    "dpo": (Dpo(0.1, nll=0.3), pairs_of),
    "kto": (Kto(0.1, 1.0, 2.0), verdicts_of),
    "tdpo1": (Tdpo(0.1, variant="tdpo1"), pairs_of),
    "tdpo2": (Tdpo(0.1), pairs_of),
    "simpo": (Simpo(), pairs_of),
}


@pytest.fixture(scope="module")
def uneven():
    """Wordle games of one task, of different lengths and returns; a reference that differs from the policy."""
    policy = nano("wordle")
    short, _ = sample(policy, Made(turns=2), 2, turns=1)
    long, _ = sample(policy, Made(turns=5, keep=2), 3, turns=5, seed=1)
    branching, _ = sample(policy, Made(turns=4), 1, Branches(), turns=4, seed=2)
    task = long[0].task
    episodes = [dataclasses.replace(earning(e, n), task=task, id=f"e{n}") for n, e in enumerate([*short, *long])]
    episodes += [dataclasses.replace(branching[0], task=task, id="tree")]
    reference = frozen(policy)
    with torch.no_grad():
        noise = torch.Generator().manual_seed(0)
        for weight in policy.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=noise)
    return policy, reference, Batch(episodes)


def learner_of(name, policy, reference=None, **how):
    """A learner that steps once on everything, against a reference of its own."""
    objective, examples = OBJECTIVES[name]
    settings = PreferenceSettings(batch=10**6, warmup=1, reference="start" if reference else "round", **how)
    learner = Preference(copy.deepcopy(policy), objective, partial(examples, per_task=7), settings, 0)
    if reference is not None and learner.reference is not None:
        learner.reference = reference
    return learner


@pytest.mark.parametrize("name", OBJECTIVES)
def test_packed_is_one_by_one(uneven, name):
    policy, reference, batch = uneven
    longest = 3 * max(len(r) for rows in side_rows(batch.episodes, *sides_of(name, batch), policy.chat) for r in rows)
    found = [gradients_of(learner_of(name, policy, reference, batch_tokens=n), batch)[0] for n in (longest, 10**6)]
    assert apart(*found) < 1e-5


def sides_of(name, batch):
    examples = OBJECTIVES[name][1](batch, generator(0, "preference", 0), 7)
    return ([side for example in examples for side in example.sides],)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_step_is_the_gradient_of_a_readable_loop(uneven, name):
    """Side by side, turn by turn, token by token, through the model's own forward."""
    policy, reference, batch = uneven
    (packed,) = gradients_of(learner_of(name, policy, reference), batch)
    objective = OBJECTIVES[name][0]
    examples = OBJECTIVES[name][1](batch, generator(0, "preference", 0), 7)
    assert len(examples) >= 7
    order = draws_after(name, batch).permutation(len(examples))
    twin, reference = eager(policy), eager(reference)
    read = [[plainly(twin, reference, batch, side) for side in examples[i].sides] for i in order]
    total = torch.zeros(())
    sides = [side for i in order for side in examples[i].sides]
    for k, i in enumerate(order):
        ratios = [lp - told for lp, told, _, _ in read[k]]
        kls, (first, *_) = [kl for _, _, kl, _ in read[k]], read[k]
        if name == "dpo":
            part = -torch.log(torch.sigmoid(0.1 * (ratios[0] - ratios[1]))) - 0.3 * first[0] / first[3]
        elif name == "simpo":
            means = [lp / n for lp, _, _, n in read[k]]
            part = -torch.log(torch.sigmoid(2.5 * (means[0] - means[1]) - 0.5))
        elif name == "kto":
            z = torch.stack([estranged(twin, reference, batch, sides, n) for n in range(len(sides))]).mean().detach()
            gained = ratios[0] - z.clamp(min=0) if examples[i].good else z.clamp(min=0) - ratios[0]
            part = (1.0 if examples[i].good else 2.0) * (1 - torch.sigmoid(0.1 * gained))
        elif name == "tdpo1":
            part = -torch.log(torch.sigmoid(0.1 * (ratios[0] - ratios[1] - (kls[1] - kls[0]))))
        else:
            part = -torch.log(torch.sigmoid(0.1 * (ratios[0] - ratios[1] - 0.5 * (kls[1] - kls[0].detach()))))
        total = total + part / len(examples)
    total.backward()
    named = learner_of(name, twin).optimiser.named
    parts = [twin.get_parameter(n).grad for n in named]
    flat = torch.cat(
        [(p if p is not None else torch.zeros_like(named[n])).flatten() for n, p in zip(named, parts, strict=True)]
    )
    assert apart(flat, packed) < 1e-5 and objective.reads <= {"reference", "kl", "strangers"}


def draws_after(name, batch):
    """The learner's draws once its examples are drawn."""
    rng = generator(0, "preference", 0)
    OBJECTIVES[name][1](batch, rng, 7)
    return rng


def turns_of(policy, batch, side):
    """(context, reply, counts) of every turn of a path, as the agent met it."""
    episode, context = batch.episodes[side.episode], []
    for i in episode.path(side.leaf):
        turn = episode.turns[i]
        if turn.fresh:
            context = []
        context = [*context, *turn.tokens.prompt.tolist()]
        yield i, list(context), turn.tokens.reply.tolist(), turn.tokens.sampled.tolist()
        context += turn.tokens.reply.tolist()


def plainly(policy, reference, batch, side):
    """Log-probabilities under both, KL(reference || policy), tokens: sums over the turns of a side."""
    logp = kl = torch.zeros(())
    told, tokens = torch.zeros(()), 0
    for i, context, reply, sampled in turns_of(policy, batch, side):
        if i not in side.turns:
            continue
        ids = torch.tensor([*context, *reply])
        own = law(policy, ids)
        with torch.no_grad():
            other = law(reference, ids)
        for k, token in enumerate(reply):
            at = len(context) + k - 1
            if sampled[k]:
                logp, told, tokens = logp + own[at, token], told + other[at, token], tokens + 1
                kl = kl + (other[at].exp() * (other[at] - own[at])).sum()
    return logp, told, kl, tokens


def eager(policy):
    """A copy that reads as its model's own code does."""
    twin = copy.deepcopy(policy)
    twin.causal.set_attn_implementation("eager")
    return twin


def law(policy, ids):
    return torch.log_softmax(policy.causal(input_ids=ids[None], use_cache=False).logits[0].float(), -1)


@torch.no_grad()
def estranged(policy, reference, batch, sides, number):
    """Log-ratio of a side whose rows open as those of the next side do."""
    rows, other = (side_rows(batch.episodes, [sides[n % len(sides)]], policy.chat)[0] for n in (number, number + 1))
    total = torch.zeros(())
    for n, row in enumerate(rows):
        start = other[n % len(other)].ids[: opening(other[n % len(other)])]
        ids = torch.from_numpy(np.concatenate([start, row.ids[opening(row) :]]).astype(np.int64))
        counts = np.concatenate([np.zeros(len(start), bool), row.loss[opening(row) :]])
        gap = law(policy, ids) - law(reference, ids)
        total = total + sum(gap[at - 1, ids[at]] for at in np.flatnonzero(counts))
    return total


@pytest.mark.parametrize("name", ["dpo", "tdpo1", "tdpo2"])
def test_at_the_reference_the_loss_is_log_2(uneven, name):
    policy, _, batch = uneven
    objective, examples = OBJECTIVES[name]
    objective = dataclasses.replace(objective, **({"nll": 0.0} if name == "dpo" else {}))
    learner = Preference(copy.deepcopy(policy), objective, examples, PreferenceSettings(batch=99), 0)
    change = learner.learn(batch)[0].change
    assert change["loss"] == pytest.approx(np.log(2)) and change["margin"] == 0.0 and change["gradient_norm"] > 0


def test_observations_pull_nothing(uneven):
    """The slope in every logit of a step: zero where the next token is the world's."""
    policy, reference, batch = uneven
    held = []
    learner = learner_of("dpo", policy, reference)
    head = learner.policy.head
    learner.policy.head = lambda hidden: held.append(head(hidden)) or keep(held[-1])
    gradients_of(learner, batch)
    asked = sum(len(logits) for logits in held if logits.grad is not None)
    rows = [row for rows in side_rows(batch.episodes, *sides_of("dpo", batch), policy.chat) for row in rows]
    assert asked == sum(int(row.loss.sum()) for row in rows) < sum(len(row) for row in rows)


def keep(logits):
    if logits.requires_grad:
        logits.retain_grad()
    return logits


def test_one_turn_without_an_answer_is_plain_dpo(uneven):
    """The textbook formula on whole replies."""
    policy, reference, _ = uneven
    episodes, _ = sample(nano("wordle"), Made(turns=3), 8, turns=1)
    batch = Batch([dataclasses.replace(earning(e, n), task=episodes[0].task) for n, e in enumerate(episodes)])
    learner = Preference(policy, Dpo(0.1), pairs_of, PreferenceSettings(lr=0.0, reference="start"), 0)
    learner.reference = reference
    (pair,) = pairs_of(batch, generator(0, "preference", 0))
    ratios, plain = [], (eager(policy), eager(reference))
    for side in pair.sides:
        lp, told, _, _ = plainly(*plain, batch, side)
        ratios.append(lp - told)
    wanted = float(dpo_loss(*ratios, 0.1).detach())
    assert learner.learn(batch)[0].change["loss"] == pytest.approx(wanted, rel=1e-4)


def test_a_batch_without_examples_leaves_the_weights(uneven):
    policy, _, batch = uneven
    learner = learner_of("dpo", policy)
    before = {n: w.clone() for n, w in learner.policy.state_dict().items()}
    (update,) = learner.learn(Batch(batch.episodes[:1]))
    assert update.change["examples"] == update.change["steps"] == 0
    assert all(torch.equal(before[n], w) for n, w in learner.policy.state_dict().items())


@pytest.mark.parametrize("name", ["dpo", "kto", "tdpo2", "simpo"])
def test_probability_moves_to_the_better_side(name):
    policy, batch = graded(played(8), list(range(8)))
    examples = OBJECTIVES[name][1](batch, generator(0), 9)
    objective = dataclasses.replace(OBJECTIVES[name][0], **({"nll": 0.0} if name == "dpo" else {}))
    settings = PreferenceSettings(lr=3e-3, epochs=8, batch=4, warmup=1)
    before = eager(policy)
    Preference(policy, objective, lambda batch, rng: examples, settings, 0).learn(batch)
    after = eager(policy)
    gains = {True: [], False: []}
    for example in examples:
        for side in example.sides:
            lp, told, *_ = plainly(after, before, batch, side)
            gains[side is example.sides[0] if isinstance(example, Pair) else example.good].append(
                lp.item() - told.item()
            )
    assert np.mean(gains[True]) > np.mean(gains[False]) + 0.5
