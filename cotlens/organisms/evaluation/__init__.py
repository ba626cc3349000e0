"""What the Abacus models do, on held-out problems: `python -m cotlens.organisms.evaluation [NAME ...] [--n N]`.

Writes `weights/NAME.measured.json` and the model card `weights/NAME.md`. Models that think in words are measured by
plain transformers, without the rest of the package; those that think in latents by `cl.latent`. Open `base_model`
first.

- `writing`: having a model write, and reading what it wrote.
- `base_model`: the questions put to `abacus`. `siblings`: those put to the models that are unfaithful in a known way.
- `latent`: those put to the models that think in latents.
- `card`, `latent_card`: the cards, written from what was measured. `spread`: how far seeds differ.
"""
