"""Steering: directions that are added to the residual stream, what they do to a thought, and the controls beside them.

vector = cl.steering.fit(model, checking, other, layer=2, name="check the work")
run = cl.steering.steer(model, trace, [(vector, 0.5, "thought")])
found = cl.steering.sweep(model, trace, vector, coefficients=(-1, -0.5, 0.5, 1))

- `vector`: the direction and its unit. `fitting`, `sources`: where one comes from. `examples`: what it is fitted on.
- `layers`: where a direction separates examples it wasn't fitted on.
- `where`, `rerun`, `judging`: a steered rerun, and whether it changed the answer or broke the model.
- `sweeping`: coefficients x layers x random numbers, beside random directions of the same length.
- `files`, `gguf`, `tensors`: safetensors, and the forms of repeng and steering-vectors.

Open `vector` first, then `rerun`.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.steering"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Vector": f"{_PACKAGE}.vector:Vector",
        "residual_norm": f"{_PACKAGE}.norms:residual_norm",
        "fit": f"{_PACKAGE}.fitting:fit",
        "fit_layers": f"{_PACKAGE}.fitting:fit_layers",
        "sentences": f"{_PACKAGE}.examples:sentences",
        "thoughts": f"{_PACKAGE}.examples:thoughts",
        "from_latent": f"{_PACKAGE}.sources:from_latent",
        "from_token": f"{_PACKAGE}.sources:from_token",
        "given": f"{_PACKAGE}.sources:given",
        "load_vector": f"{_PACKAGE}.files:load_vector",
        "layer_sweep": f"{_PACKAGE}.layers:layer_sweep",
        "Steering": f"{_PACKAGE}.where:Steering",
        "rewrite": f"{_PACKAGE}.rerun:rewrite",
        "judge": f"{_PACKAGE}.judging:judge",
        "SteeredRun": f"{_PACKAGE}.judging:SteeredRun",
        "steer": f"{_PACKAGE}.judging:steer",
        "Sweep": f"{_PACKAGE}.sweeping:Sweep",
        "sweep": f"{_PACKAGE}.sweeping:sweep",
        "read_gguf": f"{_PACKAGE}.gguf:read_gguf",
        "write_gguf": f"{_PACKAGE}.gguf:write_gguf",
        "read_tensors": f"{_PACKAGE}.tensors:read_tensors",
        "write_tensors": f"{_PACKAGE}.tensors:write_tensors",
    },
)
