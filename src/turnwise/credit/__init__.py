"""How signal is spread over turns and tokens: pure functions from arrays to arrays, one rule per file."""

from __future__ import annotations

from turnwise.credit.arpo import Arpo
from turnwise.credit.barfi import Barfi
from turnwise.credit.bilevel_gae import BilevelGae
from turnwise.credit.blink import Blink
from turnwise.credit.branch_share import BranchShare
from turnwise.credit.calm import Calm
from turnwise.credit.clip_delta import ClipDelta
from turnwise.credit.dir import Dir
from turnwise.credit.dr_grpo import DrGrpo
from turnwise.credit.episode_z import EpisodeZ
from turnwise.credit.exact import Exact
from turnwise.credit.fitted_q import FittedQ
from turnwise.credit.flow_grpo import FlowGrpo
from turnwise.credit.gated import Gated
from turnwise.credit.gigpo import Gigpo
from turnwise.credit.grpo import Grpo
from turnwise.credit.igpo import Igpo
from turnwise.credit.influence import Influence
from turnwise.credit.mt_grpo import MtGrpo
from turnwise.credit.multi_critic import MultiCritic
from turnwise.credit.outcome import Outcome
from turnwise.credit.rapo import Rapo
from turnwise.credit.rest_mcts import RestMcts
from turnwise.credit.reward_to_go import RewardToGo
from turnwise.credit.rloo import Rloo
from turnwise.credit.rule import CreditInput, CreditResult, CreditRule
from turnwise.credit.scored import Scored
from turnwise.credit.sotopia import Sotopia
from turnwise.credit.spa import Spa
from turnwise.credit.token_gae import TokenGae
from turnwise.credit.tree_loo import TreeLoo
from turnwise.credit.tree_values import TreeValues
from turnwise.credit.turn_baseline import TurnBaseline
from turnwise.credit.turn_gae import TurnGae
from turnwise.credit.video_mtr import VideoMtr

PLAIN: tuple[type[CreditRule], ...] = (Outcome, RewardToGo, EpisodeZ)
"""Rules that read the rewards of an episode and nothing else."""

GROUPED: tuple[type[CreditRule], ...] = (Rloo, DrGrpo, Grpo, FlowGrpo, Rapo, MtGrpo, TurnBaseline, Gigpo)
"""Rules that compare the episodes of a group."""

BRANCHED: tuple[type[CreditRule], ...] = (Arpo, TreeLoo, TreeValues, RestMcts, BranchShare)
"""Rules that know which turns the paths of a group share."""

VALUED: tuple[type[CreditRule], ...] = (TurnGae, TokenGae, BilevelGae, MultiCritic, FittedQ, Exact)
"""Rules that compare with a critic, or with the truth."""

JUDGED: tuple[type[CreditRule], ...] = (
    Igpo,
    Spa,
    Gated,
    VideoMtr,
    ClipDelta,
    Calm,
    Sotopia,
    Influence,
    Dir,
    Scored,
    Barfi,
    Blink,
)
"""Rules that read judgements of turns besides the world's reward."""

RULES: dict[str, type[CreditRule]] = {rule.name: rule for rule in (*PLAIN, *GROUPED, *BRANCHED, *VALUED, *JUDGED)}
"""Every rule by its name."""

ALIASES: dict[str, str] = {"loop": "rloo"}
"""Published methods whose credit is another's. LOOP's is RLOO's; its filter of small credits, its constant divisor and
its per-trajectory ratio are the learner's (specs/learn/loop)."""

__all__ = ["ALIASES", "RULES", "CreditInput", "CreditResult", "CreditRule"]
