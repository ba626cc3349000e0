# %% [markdown]
# # Chapter 2: What mattered?
#
# **About 30 minutes, five exercises. You need chapter 1 and nothing else**: no key, no GPU, no network. Which sentence of a thought caused the answer? Many measures colour a thought; they ask different questions, and some are wrong.
# You will build two of them, put intervals on a third, and find out which of four lies.
#
# Solutions are in `solutions/2_what_mattered.py`; `hint("2.1")` helps a little.

# %%
import re

import numpy as np

import cotlens as cl
from cotlens import organisms
from cotlens.teaching import check, hint, suspects
from cotlens.teaching.pretrained import pretrained

model = cl.load("abacus")
PROMPT = (
    "Ella has 79 balloons. In week 1, she gives 39 to Ivy. In week 2, she finds 33 more balloons. "
    "In week 3, she trades away 15 balloons. How many balloons does Ella have?"
)
trace = model.reason(PROMPT, temperature=0)


def stopped(model, trace, k):
    """The answer if the thought had ended after k sentences (exercise 1.2)."""
    spans = trace.spans("sentence")
    if k == len(spans):
        return int(trace.read_answer().text)
    return int(model.resume(trace.truncate(spans[k]), close_thought=True, temperature=0).read_answer().text)


[stopped(model, trace, k) for k in range(7)]

# %% [markdown]
# ## 2.1 When is it settled? (★★, 4 minutes)
#
# Return after how many sentences (from 0 to all) the early answer is the final one **and stays it**. For the trace above that is 6, its last sentence.


# %% exercise="2.1"
def settled(model, trace):
    return ...


# %%
check("2.1", settled)

# %% [markdown]
# `EarlyAnswer` does this with probabilities instead of answers, at every token, in one pass. **Occlusion** asks another question: if the answer (`effect="direct"`), or all that follows (`effect="total"`), could not look back at this sentence, would it stay? Both in *logit difference*: log-odds of the answer to its best rival, in nats.

# %%
early = cl.importance.EarlyAnswer(unit="sentence").run(trace, model)
direct = cl.importance.Occlusion(effect="direct", unit="sentence").run(trace, model)
cl.show([direct, early], trace=trace)

# %% [markdown]
# ## 2.2 Held to the truth (★★, 4 minutes)
#
# Abacus' puzzles are symbolic, so it is known which sentences matter: change a number, and the symbols say whether the answer changes. How good is a measure? Its **AUROC**: of all pairs of a sentence that matters and one that doesn't, the share in which the first
# scores higher; a tie counts half. `score` is a float array, `matters` a boolean array of the same length.


# %% exercise="2.2"
def auroc(score, matters):
    return ...


# %%
check("2.2", auroc)

# %% [markdown]
# ## 2.3 How sure are 20 rollouts? (★★, 5 minutes)
#
# **Resampling** lets the model write a sentence again and counts how often it still reaches the answer. Counts have errors: return the 95 % interval of a proportion, `k` of `n`, after Wilson, as `(low, high)` with z = 1.96.


# %% exercise="2.3"
def interval(k, n):
    return ..., ...


# %%
check("2.3", interval)

# %% [markdown]
# Published scores often rest on 100 rollouts: among 5,492 published steps 7.7 % differ from zero by more than 1.96 standard errors, where 5 % would if nothing mattered at all. A ranking without intervals is mostly noise. In CoTLens every sampled estimate has its interval and its floor:

# %%
fork = organisms.problems(1, seed=3, steps=1, fork=True)[0]  # a story in which the model has to choose
chosen = model.reason(fork.prompt, seed=1)
resampled = cl.importance.Resampling(n=20).run(chosen, model)
resampled.frame()[["text", "estimate", "low", "high", "n", "null_floor", "significant"]].round(2)

# %% [markdown]
# ## 2.4 Said twice (★★, 6 minutes)
#
# Where a value stands in several places, the model can read another copy. For a `number` that the thought says more than once return two effects of direct occlusion (logit difference, nats): the **largest of hiding one copy alone**, and that of **hiding all copies together**.
# `Occlusion(spans=...)` takes a tuple of (start, end) characters of `trace.text`, `Occlusion(groups=...)` a list of lists of them; `.run(trace, model).columns["estimate"]` has a number per row. Count the copies in the thought only: `trace.roles["thought"]` is a `Span` as well, with its `char_start` and `char_end`.


# %% exercise="2.4"
def together(model, trace, number):
    return ..., ...


# %%
check("2.4", together)

# %% [markdown]
# ## 2.5 One of four is wrong (★★★, 10 minutes)
#
# Three ways a heat map lies, all of them published or nearly so:
#
# 1. it shows **a model that knows nothing**: a map that looks the same for shuffled weights is no map of the model (Adebayo et al. 2018);
# 2. it shows **position**: late sentences score high in most measures, so a score that follows the index gets most of the credit;
# 3. it shows **another sentence**: an index is off by one.
#
# `suspects(seed)` gives four measures, A to D: functions from a trace to a score per sentence. Three are right (direct and total occlusion, early answer); one is wrong in one of these ways. Return the letter of the wrong one. Your function is tried on eight line-ups, so guessing won't do.
#
# `cases` below are thoughts with their truth. They are not good enough, for two reasons: think of 2.4, and of a measure that only knows where a sentence stands. Mend them, then judge.
# `model.compose(prompt, thought, answer)` is a trace of texts that you give; sentences that you add need a place in the truth.

# %%
measures = suspects(100)
for letter, measure in measures.items():
    print(letter, np.round(measure(trace), 2).tolist())

# %%
told = organisms.problems(8, seed=5, steps=3, fork=False, extras=organisms.Extras(0, 0, 0, 0))
cases = []
for problem, thought in zip(told, model.reason([one.prompt for one in told], temperature=0), strict=True):
    truth = organisms.label(problem, thought, model).frame("sentence")["fixed"].fillna(False).to_numpy(dtype=bool)
    cases.append((thought, truth))
print(cases[0][0].thought, cases[0][1])


# %% exercise="2.5"
def wrong_one(measures):
    return ...


# %%
check("2.5", wrong_one)

# %% [markdown]
# Measured on six thoughts of three steps (seed 201, greedy). In the three that say their result once, direct occlusion, total occlusion and early answer have an AUROC of 1.00 each, and so has **position**: the last sentence decides. With two idle sentences behind it the three stay at 1.00 and
# position falls to .76 on average. Shuffled weights (.67, and .71 behind idle sentences) and the index off by one (.47, .62) are far from both. In the three that repeat their result, direct occlusion alone goes as low as .39: a right measure that looks wrong, since it asks about one copy at a time.
#
# ## The same on a pretrained model (optional, half a minute of processor)
#
# See chapter 1 for what has to be installed. Truth is not known for a pretrained model, but the controls are the same: position, shuffled weights, another form of the answer. Over ten planted thoughts of five sentences of which one alone holds the number that is asked for, `docs/truth.md` has a table: direct occlusion finds it (AUROC 1.00),
# gradient x input is hardly better than chance (.53 to .65), and the rank correlation of a measure with itself under two forms of the answer is as low as .58 and .02. One such thought:
#
# Seen when it was tried: the sentence of the green box has 7.4 nats by direct occlusion and 9.2 by early answering; that of the red box, whose number is the best rival, -2.5 and -4.0; the two about the shelf .3 at most. Both find it, and it isn't the last sentence.

# %% tags=["pretrained"]
if small := pretrained():
    question = "Tom keeps boxes. How many stamps are in the green box?"
    thought = "The red box holds 24 coins. The green box holds 37 stamps. Both stand on a shelf. The shelf is old."
    planted = small.compose(question, thought, "37")
    for method in (
        cl.importance.Occlusion(effect="direct", unit="sentence"),
        cl.importance.EarlyAnswer(unit="sentence"),
    ):
        scores = method.run(planted, small)
        print(type(method).__name__, scores.frame()[["text", "estimate"]].round(2).to_dict("records"))

# %% [markdown]
# **What to take along.** Before you believe a heat map ask: which question does it answer? Is it better than position? Would it look different for a model that knows nothing? Is there a second copy? And how wide is the interval?
