"""Sparse autoencoders: which latents are active in a trace, what they stand for, and what the answer owes to them.

sae = cl.features.load_sae("abacus")
found = cl.features.features(trace, model, sae, effect_of=[12])

Open `table` first; `autoencoder` is the model of latents, `labels` and `names` what they are called.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.features"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "features": f"{_PACKAGE}.table:features",
        "SAE": f"{_PACKAGE}.autoencoder.sae:SAE",
        "clamp": f"{_PACKAGE}.clamping:clamp",
        "EVER": "cotlens.models.contract.interventions:EVER",
        "load_sae": f"{_PACKAGE}.autoencoder.store:load_sae",
        "save_sae": f"{_PACKAGE}.autoencoder.store:save_sae",
        "read_labels": f"{_PACKAGE}.names:read_labels",
        "save_labels": f"{_PACKAGE}.names:save_labels",
        "Recipe": f"{_PACKAGE}.autoencoder.train:Recipe",
        "train_sae": f"{_PACKAGE}.autoencoder.train:train_sae",
        "Quality": f"{_PACKAGE}.autoencoder.quality:Quality",
        "measure_quality": f"{_PACKAGE}.autoencoder.quality:measure_quality",
        "Dashboard": f"{_PACKAGE}.dashboard:Dashboard",
        "make_dashboard": f"{_PACKAGE}.dashboard:make_dashboard",
        "top_logits": f"{_PACKAGE}.logits:top_logits",
    },
)
