"""Normal and Student quantiles. scipy is imported on first use, so that importing turnwise stays fast."""

from __future__ import annotations


def normal_quantile(p: float) -> float:
    """z with P[Z <= z] = p."""
    from scipy.special import ndtri

    return float(ndtri(p))


def student_quantile(p: float, df: float) -> float:
    """t with P[T <= t] = p at `df` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(df, p))


def student_p(t: float, df: float) -> float:
    """Two-sided p: P[|T| >= |t|] at `df` degrees of freedom."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))
