"""Every worked example of the five statistics sheets, through the public functions, to the decimals written there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from turnwise.measure import Anchors, naive_mean, paired_difference, row_mean, task_mean, wilson
from turnwise.measure.bootstrap import bootstrap_mean
from turnwise.measure.holm import holm
from turnwise.measure.kaplan_meier import kaplan_meier
from turnwise.measure.mcnemar import mcnemar_p
from turnwise.measure.pass_k import pass_at_k, pass_hat_k
from turnwise.measure.planning import tasks_needed
from turnwise.measure.success_at_turn import restricted_mean_turns, success_at_turn

EXAMPLES = json.loads((Path(__file__).parent / "data" / "worked_examples.json").read_text())["examples"]


def rows(groups):
    """Nested scores per task as flat scores and task ids."""
    return [s for group in groups for s in group], [t for t, group in enumerate(groups) for _ in group]


def paired(inputs):
    a, b = (dict(enumerate(scores)) for scores in inputs)
    return paired_difference(a, b, rng=np.random.default_rng(0))


def ends(estimate):
    return [estimate.low, estimate.high]


def bootstrap_sd_and_ends(groups):
    estimate = bootstrap_mean(*rows(groups), rng=np.random.default_rng(0))
    return [estimate.se, *ends(estimate)]


def pass_k_over_tasks(per_task):
    return lambda successes: [np.mean([per_task(4, c, k) for c in successes]) for k in range(1, 5)]


def solved_by(events):
    found = kaplan_meier([turn for turn, _ in events], ["solved" if s else "censored" for _, s in events])
    return [found.at(turn) for turn in (1, 3, 4)]


def difference_se_t_p(inputs):
    found = paired(inputs)
    return [found.difference, found.se, found.t, found.t_p]


def scores_on_the_axis(i):
    anchors = Anchors(i["min"], i["data"], i["max"], origin="worked example")
    return [anchors.score(r) for r in i["returns"]]


COMPUTE = {
    "mean": lambda i: row_mean(*rows(i)).value,
    "naive_se": lambda i: naive_mean(rows(i)[0]).se,
    "naive_se_unequal": lambda i: naive_mean(rows(i)[0]).se,
    "clustered_se": lambda i: row_mean(*rows(i)).se,
    "clustered_se_unequal": lambda i: row_mean(*rows(i)).se,
    "clustered_t_interval_95": lambda i: ends(task_mean(*rows(i))),
    "naive_t_interval_95": lambda i: ends(naive_mean(rows(i)[0])),
    "exact_cluster_bootstrap_sd_q025_q975": bootstrap_sd_and_ends,
    "wilson_95": lambda i: ends(wilson(*i)),
    "pass_at_k_k1to5": lambda i: [pass_at_k(*i, k) for k in range(1, 6)],
    "pass_hat_k_k1to5": lambda i: [pass_hat_k(*i, k) for k in range(1, 6)],
    "pass_at_k_tasks_n4": pass_k_over_tasks(pass_at_k),
    "pass_hat_k_tasks_n4": pass_k_over_tasks(pass_hat_k),
    "mean_se_t_p": difference_se_t_p,
    "interval_95": lambda i: ends(paired(i)),
    "sign_flip_p": lambda i: paired(i).p,
    "mcnemar_exact_p": lambda i: mcnemar_p(*i),
    "mcnemar_exact": lambda i: mcnemar_p(i["only_a"], i["only_b"]),
    "tasks_needed": lambda i: tasks_needed(i["sd"], i["delta"], alpha=i["alpha"], power=i["power"]),
    "holm": holm,
    "success_at_1to4": lambda i: success_at_turn(i["finish"], i["budget"]),
    "restricted_mean": lambda i: restricted_mean_turns(i["finish"], i["budget"]),
    "kaplan_meier_1_minus_S_at_1_3_4": solved_by,
    "score": scores_on_the_axis,
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e['sheet']}-{e['metric']}")
def test_worked_example(example):
    found = COMPUTE[example["metric"]](example["inputs"])
    np.testing.assert_allclose(found, example["expected"], rtol=1e-11, atol=1e-12)


def test_all_examples_of_the_five_sheets_are_here():
    assert len(EXAMPLES) == 29
