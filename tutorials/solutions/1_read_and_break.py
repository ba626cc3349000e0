"""Solutions of chapter 1. A teacher may keep this folder from the students."""
# ruff: noqa: F821  the names that the chapter has made by then


# %% exercise="1.1"
def totals(trace):
    return [int(number) for number in re.findall(r"= (\d+)", trace.thought)]


# %% exercise="1.2"
def stopped(model, trace, k):
    cut = trace.truncate(trace.spans("sentence")[k])
    return int(model.resume(cut, close_thought=True, temperature=0).read_answer().text)


# %% exercise="1.3"
def followed(model, trace):
    first = re.search(r"= (\d+)", trace.text)
    edited = trace.replace(first.span(1), str(int(first[1]) + 1))
    return int(model.resume(edited, temperature=0).read_answer().text)


# %% exercise="1.4"
def persuade(model, prompt, number):
    thought = model.reason(prompt, temperature=0).thought
    last = re.findall(r"= \d+", thought)[-1]
    before, _, after = thought.rpartition(last)
    return f"{before}= {number}{after}"


# %% exercise="1.5"
def likeliest(model, trace, old, candidates):
    return min(candidates, key=lambda text: model.surprise(trace.replace(old, text)).surprise)


# %% exercise="1.6"
# What double-click, typing and Ctrl+Enter do.
branch = model.resume(trace.replace("= 40", "= 50"), temperature=0)
editor = cl.CoTEditor(model, branch)
editor
