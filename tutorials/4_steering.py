# %% [markdown]
# # Chapter 4: Steering, and when an effect is only damage
#
# **About 25 minutes, four exercises. You need chapter 1, and numpy**: no key, no GPU, no network. A *steering vector* is a direction that is added to what a layer passes on (the *residual stream*) while the model writes.
# You will fit one, turn it up, hold it against random directions, and tell an effect from a wreck.
#
# Solutions are in `solutions/4_steering.py`; `hint("4.1")` helps a little.

# %%
import numpy as np

import cotlens as cl
from cotlens.organisms.sae.recipe import composed
from cotlens.organisms.task.grammar import recognise
from cotlens.teaching import check, hint
from cotlens.teaching.pretrained import pretrained

model = cl.load("abacus")


def checks(trace, span):
    """Whether a sentence checks something; None if it is none of abacus' language."""
    move = recognise(trace.text[span.char_start : span.char_end])
    return None if move is None else move.kind == "self_checking"


def n_checks(trace):
    return sum(bool(checks(trace, span)) for span in trace.spans("sentence"))


checking, other = cl.steering.sentences(composed(model, 40, "train", 1), checks)
print(len(checking), "sentences check,", len(other), "don't, for example:")
for trace, span in checking[:3]:
    print("  ", trace.text[span.char_start : span.char_end])

# %% [markdown]
# ## 4.1 A direction (★, 3 minutes)
#
# What is inside the model before it writes a sentence that checks, and before one that doesn't? Two arrays of activations, `positive` and `negative`, float [examples, d]. The simplest direction from one to the
# other is the **difference of means**: return it, float [d], pointing to the positive side.


# %% exercise="4.1"
def direction(positive, negative):
    return ...


# %%
check("4.1", direction)

# %% [markdown]
# `cl.steering.fit` does this at a layer of the model. `method="discriminant"` also divides out what varies within the sides anyway (how far the thought has come), and `read="before"` reads at the token before each sentence, where it is decided.

# %%
vector = cl.steering.fit(
    model, checking, other, layer=model.n_layers - 1, method="discriminant", read="before", name="check the work"
)
vector

# %% [markdown]
# ## 4.2 Turn it up (★★, 5 minutes)
#
# `vector.at(c)` is an *intervention*; `model.resume(..., interventions=vector.at(c))` writes under it. A coefficient `c` of 1 adds a vector as long as the stream is there on average: a hard push.
# Cut the thought **before its second sentence** (`trace.spans("sentence")[1]`), let the model write 16 tokens on (`max_new_tokens=16`, `temperature=0`), and return the new text alone, without what stood before it.


# %% exercise="4.2"
def pushed(model, trace, vector, coefficient):
    return ...


# %%
check("4.2", pushed)

# %% [markdown]
# By hand: move the slider below, and read. *Random control* adds a random direction of the same length.

# %%
trace = model.reason(
    "Ravi has 16 shells. He finds 28 more shells. It is a sunny day. "
    "He gives away 15 shells. Then he loses 12 shells. How many shells does Ravi have?",
    temperature=0,
)
cl.SteeringPanel(model, trace, vector)

# %% [markdown]
# ## 4.3 The random control (★★, 5 minutes)
#
# Any push changes a text. Is this *direction* special? Push as hard in random directions (`vector.random(seed)`) and measure the same. Given the `effect` of your vector and an array of the effects of `random` ones, return how probable an effect
# at least as large **in size** would be were yours a random one as well: the p-value of a permutation test, in which your own is one of the draws.


# %% exercise="4.3"
def by_chance(effect, random):
    return ...


# %%
check("4.3", by_chance)

# %% [markdown]
# ## 4.4 Steered, or broken? (★★★, 8 minutes)
#
# Pushed hard enough, every model changes its answer, since it no longer makes sense. **Coherence** has to stand beside every effect: how likely is the steered text to the model *without* the push? Its *perplexity* (exp of the mean surprise per token) is `run.perplexity_after`; that of a text
# written from the same token without a push is `run.perplexity_unsteered`.

# %%
for push in (0.8, 1.4):
    run = cl.steering.steer(model, trace, [(vector, push, "thought")], control=None, temperature=0, max_new_tokens=72)
    print(push, f"perplexity {run.perplexity_after:.2f} against {run.perplexity_unsteered:.2f}")
    print("   ", run.steered.thought[:300].replace("\n", " "))

# %% [markdown]
# Return `"damage"` if the steered text's perplexity is more than twice that of the unsteered one; else `"steered"` if it has more sentences that check (`n_checks(run.steered)`, against `n_checks(run.unsteered.steered)`); else `"nothing"`.
# Your function is tried on six runs: no push, pushes, far too much, a random direction, and one that was pushed too hard only after a while.


# %% exercise="4.4"
def reading(run):
    return ...


# %%
check("4.4", reading)

# %% [markdown]
# A factor of two is a rule of thumb, and a crude one: a steered text is *meant* to be less likely. The honest picture is both curves over the coefficient, each with its random band: `cl.steering.sweep(model, trace, vector, metric=...)` draws them (`notebooks/steering.ipynb`).
#
# ## The same on a pretrained model (optional, about a minute of processor)
#
# See chapter 1 for what has to be installed.
#
# Seen when it was tried on SmolLM2-135M-Instruct, one seed and one text: at .5 the vector writes "My day was indeed filled with a wonderful day!", at -.5 "a result of the law of nature", which is not sad.
# A random direction at .5 writes of "a world of chaos and death": it moves the mood as well. At 3 the vector writes nothing more, and the random direction's text is broken. One text shows nothing, and here the control says so.

# %% tags=["pretrained"]
if small := pretrained():
    glad = ["I love this wonderful day.", "What a great joy this is.", "This is delightful news."]
    sad = ["I hate this terrible day.", "What a great pain this is.", "This is dreadful news."]
    mood = cl.steering.fit(small, glad, sad, layer=12, name="glad")
    begun = small.compose("How was your day?", "My day was", None)
    for push in (0.0, 0.5, -0.5, 3.0):
        chosen = [mood.at(push), mood.random(0).at(push)]
        for name, added in zip(("vector", "random"), chosen, strict=True):
            text = small.resume(begun, interventions=added, temperature=0, max_new_tokens=16).thought
            print(push, name, repr(text))

# %% [markdown]
# **What to take along.** A claim about a direction needs four things: the effect, its coefficient, random directions that did not do it, and a text that is still one. And it says what the direction *can* do when added, not that the model uses it: for that, look inside (chapter 5).
