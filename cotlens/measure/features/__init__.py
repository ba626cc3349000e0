"""Sparse autoencoders: which latents are active in a trace, what they stand for, and what the answer owes to them.

sae = cl.features.load_sae("abacus")
found = cl.features.features(trace, model, sae, effect_of=[12])

Open `table` first; `autoencoder` is the model of latents, `labels` and `names` what they are called.
"""

from cotlens._core.lazy import lazy_attributes

_ROOM = "cotlens.measure.features"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "features": f"{_ROOM}.table:features",
        "SAE": f"{_ROOM}.autoencoder.sae:SAE",
        "clamp": f"{_ROOM}.clamping:clamp",
        "EVER": "cotlens.models.contract.interventions:EVER",
        "load_sae": f"{_ROOM}.autoencoder.store:load_sae",
        "save_sae": f"{_ROOM}.autoencoder.store:save_sae",
        "read_labels": f"{_ROOM}.names:read_labels",
        "save_labels": f"{_ROOM}.names:save_labels",
        "Recipe": f"{_ROOM}.autoencoder.train:Recipe",
        "train_sae": f"{_ROOM}.autoencoder.train:train_sae",
        "Quality": f"{_ROOM}.autoencoder.quality:Quality",
        "measure_quality": f"{_ROOM}.autoencoder.quality:measure_quality",
        "Dashboard": f"{_ROOM}.dashboard:Dashboard",
        "make_dashboard": f"{_ROOM}.dashboard:make_dashboard",
        "top_logits": f"{_ROOM}.logits:top_logits",
    },
)
