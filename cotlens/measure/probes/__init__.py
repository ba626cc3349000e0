"""Probes: what can be read off the inside of a model by a linear map, beside what can be read without looking inside.

examples = cl.probes.examples(traces, lambda trace, at: int(trace.read_answer().text) % 10, at="prompt")
found = cl.probes.Probe(layers=(2, 3)).run(examples, model)     # accuracy by layer, and the four baselines
probe = cl.probes.fit(examples, model, layer=3)                 # to read other traces with; probe.vector(7) to steer
cl.probes.Reading(probe=probe).run(trace, model)                # what it reads at the end of every sentence
curves = cl.probes.Onset(layer=3).run(traces, model, label)     # from where on is the answer known?

Fitting needs scikit-learn: `pip install "cotlens[probes]"`. Open `probe` first; `example` is what it is fitted on,
`fitted` one that is kept, `onset` and `contrast` what is asked with probes along a thought and without labels.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.probes"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Contrast": f"{_PACKAGE}.contrast:Contrast",
        "Example": f"{_PACKAGE}.example:Example",
        "FittedProbe": f"{_PACKAGE}.fitted:FittedProbe",
        "Onset": f"{_PACKAGE}.onset:Onset",
        "Probe": f"{_PACKAGE}.probe:Probe",
        "Reading": f"{_PACKAGE}.reading:Reading",
        "examples": f"{_PACKAGE}.example:examples",
        "fit": f"{_PACKAGE}.fitted:fit",
        "load_probe": f"{_PACKAGE}.fitted:load_probe",
    },
)
