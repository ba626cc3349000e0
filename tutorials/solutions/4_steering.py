"""Solutions of chapter 4. A teacher may keep this folder from the students."""
# ruff: noqa: F821  the names that the chapter has made by then


# %% exercise="4.1"
def direction(positive, negative):
    return positive.mean(axis=0) - negative.mean(axis=0)


# %% exercise="4.2"
def pushed(model, trace, vector, coefficient):
    cut = trace.truncate(trace.spans("sentence")[1])
    written = model.resume(cut, interventions=vector.at(coefficient), temperature=0, max_new_tokens=16)
    return written.text[len(cut.text) :]


# %% exercise="4.3"
def by_chance(effect, random):
    return (1 + np.sum(np.abs(random) >= abs(effect))) / (1 + len(random))


# %% exercise="4.4"
def reading(run):
    if run.perplexity_after > 2 * run.perplexity_unsteered:
        return "damage"
    return "steered" if n_checks(run.steered) > n_checks(run.unsteered.steered) else "nothing"
