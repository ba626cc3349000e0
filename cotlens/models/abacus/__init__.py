"""Abacus: small reasoners shipped with the package, and the task whose every number's part in the answer is known.

- `words`, `problems`, `thoughts`: the task, symbolic first and text second.
- `grammar`: reading a generated thought back.
- `tokenizer`, `dataset`, `train`: the recipe. `evaluate`: what it measured. `store`: the files.

- `truth`: what matters in a generated thought, one label per estimand, held to the trained model.

`problems(n, seed, split)` gives held-out problems; `label(problem, trace, model)` the truth about a thought on one of
them; `load_pair(name)` the transformers model and its tokenizer.
"""

from cotlens.models.abacus.problem import Problem, split_of
from cotlens.models.abacus.problems import problems
from cotlens.models.abacus.store import load_pair, names
from cotlens.models.abacus.truth import Truth, label

__all__ = ["Problem", "Truth", "label", "load_pair", "names", "problems", "split_of"]
