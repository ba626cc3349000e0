"""What can be asked of one trace as it stands, without a set of problems: `run(trace, model)`, as methods have it.

    cl.faithfulness.OneThought(test="ConclusionEdit").run(trace, model)
    cl.faithfulness.FalseSteps().run(trace, model)
    cl.faithfulness.CueDiff(cue="I think it's 42.").run(trace, model)

Each can also say why a trace can't tell (`check`), before anything is run. Open `false_steps` first, the plainest.
"""
