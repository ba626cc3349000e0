"""What every model can be asked, whichever backend runs it. Open `model` first.

Everything above `models` sees models only through this: the protocol (`model`), what models can do (`capability`), what
is scored (`branches`), what is changed inside (`interventions`), where rollouts begin (`start`), what who only answers
messages is asked (`asking`), how thoughts in latents go (`latents`, `feedback`) or in depth (`depth`), and what comes
back from within (`whitebox`).
"""

from cotlens.models.contract.asking import Answerer, Conversation, OnReply, Reply, Sent
from cotlens.models.contract.branches import AnswerBranch, Branch, BranchScore, Ending, TokenSet, by_interventions
from cotlens.models.contract.capability import Capability, elsewhere, remedy
from cotlens.models.contract.depth import Depth, ExitGate, need_depth
from cotlens.models.contract.embeddings import by_prefix, with_embeddings
from cotlens.models.contract.interventions import (
    EVER,
    LAYER_SITES,
    Ablate,
    AddVector,
    BlockAttention,
    ClampFeature,
    Intervention,
    Patch,
    Positions,
)
from cotlens.models.contract.latents import EFFECTS, LatentFormat, LatentRow, LatentRun, check_thought_by
from cotlens.models.contract.model import Interventions, Meter, Model, OnToken, Owner
from cotlens.models.contract.start import OnRollout, Start
from cotlens.models.contract.whitebox import ANSWER_METRICS, LOWEST_TEMPERATURE, Decoded, Divergence, Gradients

__all__ = [
    "ANSWER_METRICS",
    "EFFECTS",
    "EVER",
    "LAYER_SITES",
    "LOWEST_TEMPERATURE",
    "Ablate",
    "AddVector",
    "AnswerBranch",
    "Answerer",
    "BlockAttention",
    "Branch",
    "BranchScore",
    "Capability",
    "ClampFeature",
    "Conversation",
    "Decoded",
    "Depth",
    "Divergence",
    "Ending",
    "ExitGate",
    "Gradients",
    "Intervention",
    "Interventions",
    "LatentFormat",
    "LatentRow",
    "LatentRun",
    "Meter",
    "Model",
    "OnReply",
    "OnRollout",
    "OnToken",
    "Owner",
    "Patch",
    "Positions",
    "Reply",
    "Sent",
    "Start",
    "TokenSet",
    "by_interventions",
    "by_prefix",
    "check_thought_by",
    "elsewhere",
    "need_depth",
    "remedy",
    "with_embeddings",
]
