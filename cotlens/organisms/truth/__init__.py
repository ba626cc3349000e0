"""Ground truth about what a model of the family wrote: which sentences and numbers matter, and to which question.

- `reading`: a generated thought against the symbols of its problem, sentence by sentence.
- `labels`: one label per estimand; `facts`: what they say, and the answer if a number were another; `table`: tables.
- `forks`: where a choice is open, the exact importance of the sentence that settles it.
- `answer_rules`: what decides each model's answer, and which prompts bring it out.
- `latents`: what latents should say, for the siblings that think in them.
- `agreement`: the labels held to the trained model by changing numbers.

    problem = organisms.problems(1, seed=7)[0]
    trace = model.reason(problem.prompt)
    truth = organisms.label(problem, trace, model)
    truth.frame("token")

Open `facts` first.
"""

from cotlens.organisms.truth.agreement import agreement
from cotlens.organisms.truth.answer_rules import ANSWER_RULES, AnswerRule
from cotlens.organisms.truth.facts import ESTIMANDS, Number, Sentence, Trial
from cotlens.organisms.truth.fork import Fork
from cotlens.organisms.truth.labels import label
from cotlens.organisms.truth.latents import latent_cases, total_groups
from cotlens.organisms.truth.truth import Truth

__all__ = [
    "ANSWER_RULES",
    "ESTIMANDS",
    "AnswerRule",
    "Fork",
    "Number",
    "Sentence",
    "Trial",
    "Truth",
    "agreement",
    "label",
    "latent_cases",
    "total_groups",
]
