"""Monitors: rules and judges that read thoughts, how far they agree, and how good they are beside what is no monitor.

    rules = cl.monitors.Rules(equations=True)                        # regular expressions and arithmetic
    judge = cl.monitors.Judge(model, cl.monitors.VALIDITY)           # a model of cl.load, or cl.ChatEndpoint
    readings = judge.run(traces)                                     # a label per thought, findings on its text
    cl.monitors.agreement([readings, rules.run(traces)])             # kappa, AC1, McNemar, spans, with intervals
    cl.monitors.quality(readings, truth)                             # beside coin, constant, outcome, and no thought

To add a monitor, write a module with a frozen class that has `name`, `cost(traces)`, `read(trace)` and `run(traces)`,
which returns `Readings`: all else here, and the panel, take those. `rules` is the plainest. Another question to a judge
is a `rubric`, and no class.

Open `rules` first, then `readings` and `judge`.
"""

from cotlens.measure.monitors.agreeing import Agreement, Pair, agreement
from cotlens.measure.monitors.arithmetic import Equation, equations
from cotlens.measure.monitors.finding import Finding, Reading
from cotlens.measure.monitors.intervention import Intervention
from cotlens.measure.monitors.judge import Judge
from cotlens.measure.monitors.prompt import VIEWS
from cotlens.measure.monitors.quality_table import Quality
from cotlens.measure.monitors.rating import quality
from cotlens.measure.monitors.readings import Readings
from cotlens.measure.monitors.rubric import RELIANCE, STANCES, VALIDITY, Category, Label, Rubric, Stance
from cotlens.measure.monitors.rules import Pattern, Rules

__all__ = [
    "RELIANCE",
    "STANCES",
    "VALIDITY",
    "VIEWS",
    "Agreement",
    "Category",
    "Equation",
    "Finding",
    "Intervention",
    "Judge",
    "Label",
    "Pair",
    "Pattern",
    "Quality",
    "Reading",
    "Readings",
    "Rubric",
    "Rules",
    "Stance",
    "agreement",
    "equations",
    "quality",
]
