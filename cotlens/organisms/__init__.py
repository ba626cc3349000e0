"""Model organisms: small reasoners shipped with the package, and a task in which the part of every number is known.

- `task`: the problems and thoughts, symbolic first and text second.
- `truth`: what matters in a generated thought, one label per estimand, held to the trained model.
- `training`: the recipe; `evaluation`: what was measured of each; `sae`: their autoencoder; `store`: the files.

`problems(n, seed, split)` gives held-out problems, and with `extras=Extras(...)` what else their prompts say;
`label(problem, trace, model)` the truth about a thought on one of them; `load_pair(name)` the transformers model and
its tokenizer. `latent_cases(n, changes)` are problems with what latents should say, for `cl.latent`.
"""

from cotlens.organisms.store import load_pair, names
from cotlens.organisms.task.problem import Extras, Problem, split_of
from cotlens.organisms.task.problems import problems
from cotlens.organisms.truth import Truth, label, latent_cases, total_groups

__all__ = [
    "Extras",
    "Problem",
    "Truth",
    "label",
    "latent_cases",
    "load_pair",
    "names",
    "problems",
    "split_of",
    "total_groups",
]
