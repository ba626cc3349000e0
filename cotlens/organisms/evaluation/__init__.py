"""What the Abacus models do, on held-out problems: `python -m cotlens.organisms.evaluation [NAME ...] [--n N]`.

Writes `weights/NAME.measured.json` and the model card `weights/NAME.md`. Nothing here goes through the rest of the
package: plain transformers.

- `writing`: having a model write, and reading what it wrote.
- `base_model`: the questions put to `abacus`. `siblings`: those put to the models that are unfaithful in a known way.
- `card`: the cards, written from what was measured.
"""
