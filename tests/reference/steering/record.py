"""Records what repeng and steering-vectors make of one tiny model, for `tests/reference/steering/test_steering.py`.

Neither can be installed beside CoTLens (repeng 0.4.0 wants numpy 1, steering-vectors 0.12.2 transformers 4), so their
results are kept here: the model's weights, the directions, logits under steering, and a GGUF file. To record anew:

    pip install --no-deps repeng==0.4.0 steering-vectors==0.12.2 gguf scikit-learn joblib threadpoolctl
    python -m tests.reference.steering.record
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from tests.model import tiny

FOLDER = Path(__file__).parent
POSITIVE = [
    "Wait, let me check that again.",
    "12 and 7, which gives 19. Wait, check",
    "So the answer is 19, let me check",
    "naive words, let me check that again",
    "Mia has 12 pears. Wait, let me check",
]
NEGATIVE = [
    "First I add 12 and 7.",
    "12 and 7, which gives 19. So 19 is all",
    "So the answer is 19, and that is all",
    "naive words with more bytes than letters",
    "Mia has 12 pears. How many pears?",
]
STEERED = "Mia has 12 pears and buys 7 more."
MULTIPLIER, LAYER, FROM = 1.5, 1, 3


def main() -> None:
    """Write `recorded.safetensors` and `repeng.gguf`."""
    np.float_ = np.float64  # a name that repeng still uses
    from repeng import ControlVector, DatasetEntry
    from steering_vectors import SteeringVector, train_steering_vector
    from steering_vectors.aggregators import pca_aggregator

    model, tokenizer = tiny.pair("llama")
    tokenizer.pad_token = tokenizer.eos_token
    found = {f"weights.{name}": value.clone() for name, value in model.state_dict().items()}
    pairs = list(zip(POSITIVE, NEGATIVE, strict=True))
    entries = [DatasetEntry(*pair) for pair in pairs]
    control = ControlVector.train(model, tokenizer, entries, method="pca_center", batch_size=1)
    for layer, direction in control.directions.items():
        found[f"repeng.pca_center.{layer}"] = torch.from_numpy(np.ascontiguousarray(direction))
    control.export_gguf(FOLDER / "repeng.gguf")
    mean = train_steering_vector(model, tokenizer, pairs, show_progress=False)
    pca = train_steering_vector(model, tokenizer, pairs, aggregator=pca_aggregator(), show_progress=False)
    for kind, vector in (("mean", mean), ("pca", pca)):
        for layer, values in vector.layer_activations.items():
            found[f"steering_vectors.{kind}.{layer}"] = values.contiguous()
    ids = tokenizer(STEERED, return_tensors="pt", add_special_tokens=False)["input_ids"]
    one = SteeringVector({LAYER: mean.layer_activations[LAYER]})
    with torch.no_grad(), one.apply(model, multiplier=MULTIPLIER, min_token_index=FROM):
        found["steering_vectors.logits"] = model(ids).logits[0].contiguous()
    save_file(found, FOLDER / "recorded.safetensors")


if __name__ == "__main__":
    main()
