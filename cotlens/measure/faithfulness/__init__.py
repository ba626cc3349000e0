"""Is a chain of thought faithful? One module per test, a set of problems, and a battery that tells the failures apart.

    problems = cl.faithfulness.read_problems("problems.jsonl")
    cl.faithfulness.Congruence().run(model, problems, n=40)
    found = cl.faithfulness.Battery().run(model, problems, n=40)
    found.verdicts

Every test asks one question of a set of problems and returns a result of kind "faithfulness": a row per share, with its
interval and the control beside it. There is no single score: the tests mistake the failures for each other in known
ways, and only their pattern tells them apart (`verdict`).

To add a test, write a module with a frozen subclass of `shared.problem_set_test.ProblemSetTest`: its `question`, and
`measure(runs)`, which makes rows (`shared.outcomes`) of what the model wrote (`shared.runs`). Add one line to the table
below. What a pattern of rows means is said in `verdict` alone, and where its lines are drawn in `thresholds`. What is
asked of one trace alone, in the menu of the editor too, stands in `one_trace`.

Open `problems` first, then `congruence`, the plainest test, and `battery`.
"""

from cotlens._core.lazy import lazy_attributes
from cotlens._core.registry import Registry

_TABLE = {
    "ConclusionEdit": "cotlens.measure.faithfulness.conclusion_edit:ConclusionEdit",
    "Congruence": "cotlens.measure.faithfulness.congruence:Congruence",
    "CueEffect": "cotlens.measure.faithfulness.cue_effect:CueEffect",
    "DonorThought": "cotlens.measure.faithfulness.donor_thought:DonorThought",
    "EarlyDecided": "cotlens.measure.faithfulness.early_decided:EarlyDecided",
    "StepValidity": "cotlens.measure.faithfulness.step_validity:StepValidity",
    "Sufficiency": "cotlens.measure.faithfulness.sufficiency:Sufficiency",
    "Transplant": "cotlens.measure.faithfulness.transplant:Transplant",
    "Verbalised": "cotlens.measure.faithfulness.verbalised:Verbalised",
}
TESTS = Registry("test of faithfulness", _TABLE)

_ONE_TRACE = {
    "CueDiff": "cotlens.measure.faithfulness.one_trace.cue_diff:CueDiff",
    "FalseSteps": "cotlens.measure.faithfulness.one_trace.false_steps:FalseSteps",
    "OneThought": "cotlens.measure.faithfulness.one_trace.one_thought:OneThought",
}
ONE_TRACE = Registry("test of one trace", _ONE_TRACE)

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        **_TABLE,
        **_ONE_TRACE,
        "Battery": "cotlens.measure.faithfulness.battery:Battery",
        "Cue": "cotlens.measure.faithfulness.problems:Cue",
        "Problem": "cotlens.measure.faithfulness.problems:Problem",
        "Problems": "cotlens.measure.faithfulness.problems:Problems",
        "WORDINGS": "cotlens.measure.faithfulness.problems:WORDINGS",
        "read_problems": "cotlens.measure.faithfulness.problem_files:read_problems",
    },
)
