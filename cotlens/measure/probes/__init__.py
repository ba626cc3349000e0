"""Probes: what can be read off the inside of a model by a linear map, beside what can be read without looking inside.

examples = cl.probes.examples(traces, lambda trace, at: int(trace.read_answer().text) % 10, at="prompt")
found = cl.probes.Probe(layers=(2, 3)).run(examples, model)     # accuracy by layer, and the four baselines
probe = cl.probes.fit(examples, model, layer=3)                 # to read other traces with; probe.vector(7) to steer
curves = cl.probes.Onset(layer=3).run(traces, model, label)     # from where on is the answer known?

Fitting needs scikit-learn: `pip install "cotlens[probes]"`. Open `probe` first; `example` is what it is fitted on,
`fitted` one that is kept, `onset` and `contrast` what is asked with probes along a thought and without labels.
"""

from cotlens._core.lazy import lazy_attributes

_ROOM = "cotlens.measure.probes"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Contrast": f"{_ROOM}.contrast:Contrast",
        "Example": f"{_ROOM}.example:Example",
        "FittedProbe": f"{_ROOM}.fitted:FittedProbe",
        "Onset": f"{_ROOM}.onset:Onset",
        "Probe": f"{_ROOM}.probe:Probe",
        "examples": f"{_ROOM}.example:examples",
        "fit": f"{_ROOM}.fitted:fit",
        "load_probe": f"{_ROOM}.fitted:load_probe",
    },
)
