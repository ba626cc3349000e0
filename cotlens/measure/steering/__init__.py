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

_ROOM = "cotlens.measure.steering"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Vector": f"{_ROOM}.vector:Vector",
        "residual_norm": f"{_ROOM}.norms:residual_norm",
        "fit": f"{_ROOM}.fitting:fit",
        "fit_layers": f"{_ROOM}.fitting:fit_layers",
        "sentences": f"{_ROOM}.examples:sentences",
        "thoughts": f"{_ROOM}.examples:thoughts",
        "from_latent": f"{_ROOM}.sources:from_latent",
        "from_token": f"{_ROOM}.sources:from_token",
        "given": f"{_ROOM}.sources:given",
        "load_vector": f"{_ROOM}.files:load_vector",
        "layer_sweep": f"{_ROOM}.layers:layer_sweep",
        "Steering": f"{_ROOM}.where:Steering",
        "rewrite": f"{_ROOM}.rerun:rewrite",
        "judge": f"{_ROOM}.judging:judge",
        "SteeredRun": f"{_ROOM}.judging:SteeredRun",
        "steer": f"{_ROOM}.judging:steer",
        "Sweep": f"{_ROOM}.sweeping:Sweep",
        "sweep": f"{_ROOM}.sweeping:sweep",
        "read_gguf": f"{_ROOM}.gguf:read_gguf",
        "write_gguf": f"{_ROOM}.gguf:write_gguf",
        "read_tensors": f"{_ROOM}.tensors:read_tensors",
        "write_tensors": f"{_ROOM}.tensors:write_tensors",
    },
)
