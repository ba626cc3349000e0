r"""Categories by rules: words and signs that a sentence holds, asked in an order; the first that fits decides.

Rules see one sentence and what stands before it, and no meaning: a sentence that computes something again to check it
looks like one that computes, unless the check was announced. On the 259 sentences of the three published rollouts that
the rules were written with, they agree with the published categories with a kappa of 0.60 [0.53, 0.66] and on 68 %
(`tests/reference/published/test_categories.py`); on other thoughts expect less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cotlens.measure.categories.tags import Tags
from cotlens.measure.method import check_words
from cotlens.trace import Span, Trace


@dataclass(frozen=True)
class Rule:
    """What a sentence must hold to be of a category.

    Args:
        category: what it is then.
        confidence: the share of the sentences which the rule decided that are published so, (k + 1) / (n + 2) of n.
        pattern: searched in the sentence.
        unless: if this is in it, the rule doesn't hold.
    """

    category: str
    confidence: float
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None

    def fits(self, text: str) -> bool:
        """Whether a sentence is of the category."""
        return self.pattern.search(text) is not None and (self.unless is None or self.unless.search(text) is None)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


_SUM = re.compile(r"\d[\s)}\]]*(?:[-+*/×÷^]|\\times|\\cdot|\\div)|=\s*-?\(?\d|\d!|\\d?frac\{\d|\\d?binom\{\d")
_CHECK = _words(
    r"""double[-\ ]check | \bverif | \bre-?check | \bmake\ sure\b | \bconfirm | \bsanity | \bto\ be\ (?:sure|safe)\b
    | \bcheck\ (?:this|that|if|my|whether|again|the|it)\b | \b(?:indeed|still)\ (?:correct|holds?|\d)
    | \bmatch(?:es|ing)?\b
    | \b(?:go|went)\ (?:through|over)\ .*\bagain\b | \bis\ (?:indeed|consistent) | \bseems\ (?:correct|right)\b
    | \bdid\ I\b | \bhave\ I\b"""
)

RULES: Sequence[Rule] = (
    Rule(
        "final_answer_emission", 0.63, _words(r"\\boxed | \bfinal\ answer\b | \banswer\ (?:is|should\ be|must\ be|:)")
    ),
    Rule(
        "problem_setup",
        0.69,
        _words(
            r"""\bthe\ (?:problem|question|task)\ (?:is|says|asks|wants|states|gives|tells)
            | \bthis\ (?:math\ |maths\ |word\ )?(?:problem|question)\b
            | \bI(?:'m|\ am)\ (?:given|asked|told)\b | \b(?:we're|we\ are)\ (?:given|asked|told)\b
            | ^(?:compute|find|determine|evaluate|simplify|how\ many|what\ is)\b"""
        ),
    ),
    Rule("self_checking", 0.75, _CHECK),
    Rule(
        "uncertainty_management",
        0.65,
        _words(
            r"""^(?:but\ |oh,?\ |hmm,?\ |so\ )*(?:wait|hold\ on|actually|no,|hmm)\b | \b(?:not|n't)\ (?:quite\ )?sure\b
            | \bunsure\b | \bconfus | \bmistake | \bI\ (?:might|may)\ (?:be|have) | \bmaybe\ I\b | ,\ right\?$
            | \bthat\ (?:doesn't|does\ not|can't)\b | \bthink\ again\b | \bis\ (?:there|that)\ .*\?$"""
        ),
        _words(r"\bstep\ by\ step\b"),
    ),
    Rule(
        "plan_generation",
        0.72,
        _words(
            r"""\b(?:let\ me|let's|let\ us)\b | \b(?:I'll|I\ will|we'll|we\ will)\b
            | \b(?:I|we)\ (?:just\ )?(?:need|have|want|should|can|could|must)
            \ (?:to|find|try|start|use|do|first|think|also)\b
            | ^(?:first|next|then|now|second|finally),?\ (?:I|we|let|for|going|to)\b | ^to\ \w+.*,
            | \bstart(?:ing)?\ (?:with|from|by)\b | \bstep\ by\ step\b | \b(?:another|one)\ (?:way|approach|method)\b
            | ^(?:maybe|perhaps|alternatively)\b | \bif\ I\b"""
        ),
        re.compile(r"=\s*-?\d"),
    ),
    Rule("active_computation", 0.65, _SUM),
    Rule(
        "result_consolidation",
        0.5,
        _words(
            r"^(?:so|therefore|thus|hence|overall|altogether|in\ total|in\ summary|putting|combining|I\ think\ I)\b"
        ),
    ),
    Rule(
        "active_computation",
        0.54,
        _words(r"\b(?:calculat|comput|multipl|subtract|divid|carry|write\ down|goes\ into|plus|minus|times)"),
    ),
    Rule(
        "fact_retrieval",
        0.81,
        _words(
            r"""\b(?:is|are|was|were|has|have|means|implies|formula|theorem|recall|remember|since|because|known|defined
            |definition|rule|property|equals?|involves?|contains?|there)\b | ="""
        ),
    ),
)
_FIRST = Rule("problem_setup", 0.69, re.compile(""))
_CHECKED = Rule("self_checking", 0.96, re.compile(""))
_NONE = Rule("unknown", 0.0, re.compile(""))


def tag(trace: Trace, *, rules: Sequence[Rule] = RULES, spans: Sequence[Span] | None = None) -> Tags:
    """A category for each sentence of the thought, by rules; what no rule fits is "unknown".

    The first sentence of a thought sets the problem up, unless it already does something else that a rule tells.

    Args:
        rules: asked in their order.
        spans: the sentences; by default those of `trace.spans("sentence")`.

    Raises:
        InputError: the thought has latents, which are no sentences.
    """
    check_words(trace, "A category")
    sentences = tuple(trace.spans("sentence") if spans is None else spans)
    texts = [trace.text[span.char_start : span.char_end].strip() for span in sentences]
    found = _continued([_rule(text, at, rules) for at, text in enumerate(texts)])
    n = len(sentences)
    return Tags(
        trace,
        sentences,
        tuple(rule.category for rule in found),
        ("rules",) * n,
        tuple(rule.confidence for rule in found),
    )


def _continued(found: Sequence[Rule]) -> list[Rule]:
    """What is computed right after a check was announced belongs to the check, up to a sentence that does otherwise."""
    checking = False
    kept: list[Rule] = []
    for rule in found:
        if rule.category == "self_checking":
            checking = True
        elif rule.category not in ("active_computation", "fact_retrieval", "unknown"):
            checking = False
        kept.append(_CHECKED if checking and rule.category == "active_computation" else rule)
    return kept


def _rule(text: str, at: int, rules: Sequence[Rule]) -> Rule:
    fitting = next((rule for rule in rules if rule.fits(text)), _NONE)
    # A first sentence that checks, computes or answers does that; these four are what a rule says of a set-up it
    # doesn't know.
    opens = at == 0 and fitting.category in ("unknown", "fact_retrieval", "result_consolidation", "plan_generation")
    return _FIRST if opens else fitting
