"""What the editor can shade by: one table of entries, and the one that is chosen with its unit, metric and rollouts.

An entry is data: a method, the settings that make it this entry, and what the menu says of it. Nothing else knows
one measure from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.registry import Registry
from cotlens.measure.faithfulness import ONE_TRACE
from cotlens.measure.importance import METHODS
from cotlens.measure.importance.marks import mark
from cotlens.measure.method import Method

UNITS = {"token": "token", "sentence": "sentence", "paragraph": "paragraph", "span": "my spans", "group": "number",
         "thought": "whole thought", "latent": "latent"}  # fmt: skip
"""Unit -> how the view calls it."""
FINE = ("token", "sentence", "paragraph", "span")
COARSE = FINE[1:]
OWN = {
    "group": "only copies of a number are taken together",
    "thought": "only tests of the whole thought are told as one",
    "latent": "only latents are read and replaced one by one",
}
"""Unit that only some entries have, and they no other -> why the rest doesn't."""
LATENTS = "it is asked of latents, one by one"
WHOLE = "it is told of the whole thought, which isn't cut into units"

METRICS = {
    "logit_difference": "logit difference (nats)",
    "log_probability": "log-probability (nats)",
    "probability": "probability",
    "kl": "KL of the answers (nats)",
    "rounds": "times it comes back",
}
FORCED = ("logit_difference", "log_probability", "probability")
DRAWS = (20, 50, 100, 200)
"""Rollouts from each place; few at first, and more cost only what is added, for the store keeps what was sampled."""

REPEATED = "copies of a number are hidden together: the number is the unit"


@dataclass(frozen=True)
class MenuGroup:
    """Measures that stand together in the menu, and why their unit can't be a token."""

    label: str
    no_token: str = ""


EXACT = MenuGroup("One pass, exact")
SAMPLED = MenuGroup("Sampled on-policy", "rollouts begin where sentences do: choose sentences, paragraphs or spans")
REWRITING = MenuGroup(
    "Rewritten, then continued", "a token can't be rewritten alone: choose sentences, paragraphs or spans"
)
FAITHFULNESS = MenuGroup("Faithfulness", "an equation is more than a token: choose sentences or paragraphs")
ATTENTION = MenuGroup(
    "Attention", "attention is followed from sentence to sentence: choose sentences, paragraphs or spans"
)
INSIDE = MenuGroup("Inside the model (white-box)", "it is read where sentences end")
WITHOUT_WORDS = MenuGroup("Latents: what they say, what they do")


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu.

    Args:
        settings: of the method, beside unit, metric and rollouts.
        question: the question it answers, in one sentence.
        draws: rollouts to choose from, none for what isn't sampled.
        least: units that a thought must have.
        answer: whether the trace needs an answer that can be read.
        room: of `cl` that has the method.
        cue: whether it is asked about the words of the prompt that are suspected.
        reads: what reads under the sentences, "lens" or "probe", and has to be given where it is a probe.
    """

    method: str
    label: str
    group: MenuGroup
    question: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    units: tuple[str, ...] = FINE
    metrics: tuple[str, ...] = FORCED
    draws: tuple[int, ...] = ()
    least: int = 1
    answer: bool = True
    room: str = "importance"
    cue: bool = False
    reads: str = ""

    def make(self, **settings: Any) -> Method:
        """The method with more settings than those that make it this entry."""
        method: Method = ROOMS[self.room].get(self.method)(**self.settings, **settings)
        return method

    @property
    def words(self) -> str:
        """Its question, and what ground truth says against its answer."""
        held = mark(self.make()) if self.room == "importance" else ""
        return f"{self.question} {held.capitalize()}." if held else self.question

    def reason(self, unit: str) -> str | None:
        """Why `unit` can't be its unit; None where it can."""
        if unit in self.units:
            return None
        if "group" in self.units:
            return REPEATED
        if "thought" in self.units:
            return WHOLE
        if "latent" in self.units:
            return LATENTS
        by_group = unit == "token" or self.room == "importance"
        return OWN.get(unit) or (self.group.no_token if by_group else f"it is told per {' or '.join(self.units)}")


def _sampled(method: str, question: str, **more: Any) -> MenuEntry:
    group, metrics = more.pop("group", SAMPLED), more.pop("metrics", ("probability", "kl"))
    return MenuEntry(method, method, group, question, units=COARSE, metrics=metrics, draws=DRAWS, **more)


def _attention(method: str, label: str, question: str, least: int, metrics: tuple[str, ...] = ()) -> MenuEntry:
    return MenuEntry(method, label, ATTENTION, question, units=COARSE, metrics=metrics, least=least, answer=False)


def _faithful(method: str, label: str, question: str, *units: str, **more: Any) -> MenuEntry:
    return MenuEntry(method, label, FAITHFULNESS, question, units=units, metrics=(), room="faithfulness", **more)


def _latent(method: str, label: str, question: str, **more: Any) -> MenuEntry:
    return MenuEntry(method, label, WITHOUT_WORDS, question, units=("latent",), room="latent", **more)


def _inside(method: str, reads: str, room: str, question: str) -> MenuEntry:
    more: dict[str, Any] = {"units": ("sentence",), "metrics": (), "answer": False, "room": room, "reads": reads}
    return MenuEntry(method, reads.capitalize(), INSIDE, question, **more)


MEASURES: dict[str, MenuEntry] = {
    "occlusion-direct": MenuEntry(
        "Occlusion", "Occlusion, direct effect", EXACT,
        "If the answer could not look back at this, would it stay?", {"effect": "direct"},
    ),
    "occlusion-total": MenuEntry(
        "Occlusion", "Occlusion, total effect", EXACT,
        "If nothing after it could look back at this, would the answer stay?", {"effect": "total"},
    ),
    "occlusion-copies": MenuEntry(
        "Occlusion", "Occlusion, all copies of a number", EXACT,
        "If every copy of this number were hidden at once, would the answer stay?",
        {"effect": "direct", "groups": "values"}, units=("group",),
    ),
    "occlusion-mean": MenuEntry(
        "Occlusion", "Occlusion, mean embedding", EXACT,
        "If this were an average word, would the answer stay?", {"mode": "mean"},
    ),
    "occlusion-swap": MenuEntry(
        "Occlusion", "Occlusion, swapped", EXACT,
        "If the model's own alternative stood here, would the answer stay?", {"mode": "swap"},
    ),
    "early-answer": MenuEntry(
        "EarlyAnswer", "Early answer", EXACT,
        "If the thought stopped before this, and again after it: how much surer is the answer?",
        {"mask_lines": False, "refine": "auto"},
    ),
    "gradient": MenuEntry(
        "Gradient", "Gradient × input", EXACT, "If this were changed a little, how strongly would the answer react?"
    ),
    "integrated-gradients": MenuEntry(
        "Gradient", "Integrated gradients", EXACT,
        "On the way from an average to the real thought, how much did this add?", {"method": "integrated_gradients"},
    ),
    "resampling": _sampled("Resampling", "If the model wrote this anew, how often would it reach the same answer?"),
    "counterfactual": _sampled(
        "Counterfactual", "If the model had said something else here, how often would it reach the same answer?"
    ),
    "resilience": _sampled(
        "Resilience", "If this is taken out each time the model says it, how often does it come back?",
        metrics=("rounds", "probability", "kl"),
    ),
    "mistake": _sampled("Mistake", "If this held a mistake, would the model still give the same answer?",
                        group=REWRITING),
    "paraphrase": _sampled("Paraphrase", "If this were said in other words, would the answer stay?", group=REWRITING),
    "filler": _sampled("Filler", "If this were as many meaningless tokens, would the answer stay?", group=REWRITING),
    "suppression": _attention(
        "Suppression", "Suppression", "If nothing later could look back at this, how differently would it go on?", 2,
        ("kl",),
    ),
    "receiver-heads": _attention(
        "ReceiverHeads", "Receiver heads", "Which sentences do the most focused attention heads look back at?", 6
    ),
    "conclusion-edit": _faithful(
        "OneThought", "Conclusion edit",
        "If every copy of the thought's conclusion is changed, does the answer change with it?", "thought",
        settings={"test": "ConclusionEdit"},
    ),
    "congruence": _faithful(
        "OneThought", "Congruence", "Does the answer follow from the thought's own conclusion?", "thought",
        settings={"test": "Congruence"},
    ),
    "step-validity": _faithful(
        "FalseSteps", "Step validity (equations)", "Which sentences hold an equation that isn't true?",
        "sentence", "paragraph", answer=False,
    ),
    "cue-difference": _faithful(
        "CueDiff", "Cue difference",
        "At which words would the model go on differently, had the prompt not held the cue?", "sentence", "token",
        answer=False, cue=True,
    ),
    "lens": _inside("LogitLens", "lens", "lenses", "Which token would each layer say next, where a sentence ends?"),
    "probe": _inside("Reading", "probe", "probes", "What does the given probe read where a sentence ends, how surely?"),
    "latent-ablation": _latent(
        "LatentAblation", "Latent ablation, total effect",
        "If this latent were the mean of this thought's latents, and later ones thought anew, would the answer stay?",
        settings={"effect": "total"},
    ),
    "latent-ablation-direct": _latent(
        "LatentAblation", "Latent ablation, direct effect",
        "If this latent were the mean of this thought's latents, and later ones held, would the answer stay?",
        settings={"effect": "direct"},
    ),
    "latent-lens": _latent(
        "LatentLens", "Latent lens", "How surely does this latent read as a token, whatever it is used for?",
        metrics=(), answer=False,
    ),
}  # fmt: skip

ROOMS: Mapping[str, Registry] = {
    "importance": METHODS,
    "faithfulness": ONE_TRACE,
    "lenses": Registry("lens", {"LogitLens": "cotlens.measure.lenses.logit:LogitLens"}),
    "latent": Registry(
        "method of latents",
        {
            "LatentAblation": "cotlens.measure.latent.ablation:LatentAblation",
            "LatentLens": "cotlens.measure.latent.lens:LatentLens",
        },
    ),
    "probes": Registry("reading by a probe", {"Reading": "cotlens.measure.probes.reading:Reading"}),
}


@dataclass(frozen=True)
class ShadingSettings:
    """What the text is shaded by. What is left out is the entry's first.

    Args:
        spans: with the unit "span": stretches of the shown text, (start, end) characters.
        target: the answer that is followed, as it is to be written; "" for the trace's own.
        limits: settings of the rollouts that it samples, (name, value); none for the method's own.
        cue: words of the prompt, for entries that are asked about one.
        inside: the lens or the probe that was given to read with; None for the logit lens.

    Raises:
        InputError: there is no such entry, or it doesn't have this unit, metric or number of rollouts.
    """

    measure: str = "occlusion-direct"
    unit: str = ""
    metric: str = ""
    n: int = 0
    spans: tuple[tuple[int, int], ...] = ()
    target: str = ""
    limits: tuple[tuple[str, Any], ...] = ()
    cue: str = ""
    inside: Any = None

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise InputError(f"There is no measure {self.measure!r}. {did_you_mean(self.measure, MEASURES)}")
        entry = self.entry
        for name, allowed in (("unit", entry.units), ("metric", entry.metrics), ("n", entry.draws)):
            given = getattr(self, name)
            if not given:
                object.__setattr__(self, name, allowed[0] if allowed else type(given)())
            elif name != "n" and given not in allowed:
                reason = entry.reason(given) if name == "unit" and given in UNITS else None
                why = f"{reason}." if reason else did_you_mean(given, map(str, allowed))
                raise InputError(f"{entry.label} can't be shown with {name}={given!r}: {why}")
        if self.n and (self.n < 2 or not entry.draws):
            why = "give 2 rollouts or more." if entry.draws else "it samples nothing."
            raise InputError(f"{entry.label} can't be shown with n={self.n}: {why}")
        of_entry = (("target", entry.answer and entry.metrics), ("limits", entry.draws), ("cue", entry.cue),
                    ("spans", self.unit == "span"), ("inside", entry.reads))  # fmt: skip
        for name, has in of_entry:  # two that differ in what the entry doesn't have are the same
            if not has:
                object.__setattr__(self, name, type(self).__dataclass_fields__[name].default)

    @property
    def entry(self) -> MenuEntry:
        """Its line in the table."""
        return MEASURES[self.measure]

    def method(self) -> Method:
        """The method with its settings."""
        return self._made

    @cached_property
    def _made(self) -> Method:
        if self.entry.reads == "lens" and self.inside is not None:
            return cast(Method, replace(self.inside, **self._settings()))
        return self.entry.make(**self._settings())

    def code(self) -> str:
        """The line of Python that makes this result."""
        if self.entry.reads == "lens" and self.inside is not None:
            return f"result = dataclasses.replace(lens, unit={self.unit!r}).run(trace, model)  # lens: as it was given"
        settings = {**self.entry.settings, **self._settings()}
        written = ", ".join(f"{name}={'probe' if name == 'probe' else repr(value)}" for name, value in settings.items())
        line = f"result = cl.{self.entry.room}.{self.entry.method}({written}).run(trace, model)"
        pairs = "\nmatrix = cl.importance.Suppression.pairs(result)  # cl.show(matrix): sentence by sentence"
        return f"{line}{pairs}" if self.measure == "suppression" else line

    def on(self, spans: tuple[tuple[int, int], ...]) -> ShadingSettings:
        """The same on a text whose spans are these."""
        return replace(self, spans=spans) if self.unit == "span" else self

    def _settings(self) -> dict[str, Any]:
        by_unit: dict[str, Any] = {"span": {"spans": list(self.spans)}, **{own: {} for own in OWN}}
        where = by_unit.get(self.unit, {"unit": self.unit})
        drawn = {"n": self.n, **dict(self.limits)} if self.n else {}
        told = {name: getattr(self, name) for name in ("metric", "target", "cue") if getattr(self, name)}
        probe = {"probe": self.inside} if self.entry.reads == "probe" else {}
        return {**probe, **where, **drawn, **told}
