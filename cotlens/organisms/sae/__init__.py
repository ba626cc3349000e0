"""The sparse autoencoder that ships with Abacus: `recipe` makes it, `card` writes what was measured of it.

`python -m cotlens.organisms.sae` runs the recipe; `cl.features.load_sae("abacus")` opens what it made.
"""
