"""How signal is spread over turns and tokens: pure functions from arrays to arrays, one rule per file."""

from __future__ import annotations

from turnwise.credit.bilevel_gae import BilevelGae
from turnwise.credit.dr_grpo import DrGrpo
from turnwise.credit.grpo import Grpo
from turnwise.credit.outcome import Outcome
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rloo import Rloo
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule
from turnwise.credit.token_gae import TokenGae
from turnwise.credit.turn_gae import TurnGae

RULES: dict[str, type[CreditRule]] = {
    rule.name: rule for rule in (Outcome, RewardToGo, Rloo, Grpo, DrGrpo, TurnGae, TokenGae, BilevelGae)
}
"""Every rule by its name."""

__all__ = ["RULES", "CreditInput", "CreditResult", "CreditRule"]
