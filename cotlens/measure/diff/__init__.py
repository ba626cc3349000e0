"""Two models on one thought, or one model under two prompts: where do they part? `cl.diff` and `cl.diff_answers`.

    found = cl.diff(tuned, base, trace)  # which sentences would the base model not have written?
    cl.show(found)
    cl.diff(model, "the question without its hint", trace)  # the same model, had it been asked otherwise
    cl.diff(tuned, base, prompts, n=2)  # thoughts of both on many problems, with intervals over them

Open `comparing` first.
"""
