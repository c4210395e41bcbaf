"""How good an interview and its differential were: the metrics of DDXPlus (specs/users/ddxplus).

A condition is in a differential where its chance exceeds the cut. Where there is nothing to count (no antecedent is
present, no severe condition is in the truth), a number is left out: not scored is not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import numpy as np

CUT = 0.01
TOPS = (1, 3, 5)
LEAST = 1e-12


def differential_scores(
    truth: np.ndarray, guess: np.ndarray, pathology: int, severe: np.ndarray, cut: float = CUT
) -> dict[str, float]:
    """Of a differential against the true one.

        gtpa, gtpa_k     whether the pathology has a chance above the cut; and is among the k most probable
        ddr, ddp, ddf1   recall, precision and F1 of the conditions above the cut
        dsr, dsp, dsf1   share of severe conditions of the truth that are found; share of the others that are left out

    Args:
        truth, guess: float64 [D], chances.
        pathology: index of what the patient has.
        severe: bool [D].
    """
    there, named = truth > cut, guess > cut
    ranked = np.argsort(-guess, kind="stable")
    found = {"gtpa": float(named[pathology])}
    found |= {f"gtpa_{k}": float(named[pathology] and pathology in ranked[:k]) for k in TOPS}
    both = float((there & named).sum())
    found |= with_f1("dd", both / max(1, there.sum()), both / max(1, named.sum()))
    bad, harmless = severe & there, severe & ~there
    recall = float(named[bad].mean()) if bad.any() else None
    return found | with_f1("ds", recall, float((~named[harmless]).mean()) if harmless.any() else None)


def restricted(chances: np.ndarray, k: int) -> np.ndarray:
    """float64 [D]: the k most probable conditions of a differential, the others at 0: for scores at k."""
    kept = np.zeros_like(chances)
    top = np.argsort(-chances, kind="stable")[:k]
    kept[top] = chances[top]
    return kept


def evidence_scores(present: Set[str], asked: Set[str], antecedents: Set[str]) -> dict[str, float]:
    """Of the questions.

        per, pep, pef1   asked and present, out of those present, out of those asked; their F1
        ..._symptoms, ..._antecedents   the same of each kind

    Args:
        present: names of the patient's evidences.
        asked: those that were asked about, the first complaint among them.
        antecedents: names of all antecedents.
    """
    found: dict[str, float] = {}
    for kind, there, those in (
        ("", present, asked),
        ("_symptoms", present - antecedents, asked - antecedents),
        ("_antecedents", present & antecedents, asked & antecedents),
    ):
        both = len(there & those)
        scores = with_f1("pe", both / len(there) if there else None, both / len(those) if those else None)
        found |= {name + kind: value for name, value in scores.items()}
    return found


def with_f1(name: str, recall: float | None, precision: float | None) -> dict[str, float]:
    """Recall, precision and their harmonic mean, as `<name>r`, `<name>p` and `<name>f1`; without what is None."""
    found = {f"{name}r": recall, f"{name}p": precision}
    if recall is not None and precision is not None:
        total = recall + precision
        found[f"{name}f1"] = 2 * recall * precision / total if total else 0.0
    return {key: float(value) for key, value in found.items() if value is not None}


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """float64 [...]: KL(p || q) in nats over the last axis, chances taken to be at least 1e-12."""
    p, q = np.maximum(p, LEAST), np.maximum(q, LEAST)
    return np.maximum(0.0, (p * np.log(p / q)).sum(-1))


def confirm(truth: np.ndarray, now: np.ndarray) -> np.ndarray:
    """float64 [...]: exp(-KL(truth || now)); 1 where the differential is the true one.

    Args:
        truth: float64 [D].
        now: float64 [..., D].
    """
    return np.exp(-divergence(truth, now))


def explore(begin: np.ndarray, now: np.ndarray) -> np.ndarray:
    """float64 [...]: 1 - exp(-KL(begin || now)); 0 where nothing has moved since the beginning."""
    return 1.0 - np.exp(-divergence(begin, now))


def none_given(scores: Mapping[str, float] | Iterable[str]) -> dict[str, float]:
    """The same names, each at 0: what an interview without a differential gets."""
    return dict.fromkeys(scores, 0.0)
