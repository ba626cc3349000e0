# %% [markdown]
# # Chapter 5: Inside
#
# **About 30 minutes, six exercises, and two more for who has ten more. You need chapter 1, and numpy**: no key, no GPU, no network. The chapters before changed texts. This one looks at what the model holds while it reads one: from a token to a *latent*, from the latent to
# an intervention, and to what the instrument itself doesn't see.
#
# Solutions are in `solutions/5_inside.py`; `hint("5.1")` helps a little.

# %%
import re

import numpy as np

import cotlens as cl
from cotlens import organisms
from cotlens.models.contract import Patch
from cotlens.teaching import check, hint
from cotlens.teaching.pretrained import pretrained

model = cl.load("abacus")
sae = cl.features.load_sae("abacus")
PROMPT = (
    "Ella has 79 balloons. In week 1, she gives 39 to Ivy. In week 2, she finds 33 more balloons. "
    "In week 3, she trades away 15 balloons. How many balloons does Ella have?"
)
trace = model.reason(PROMPT, temperature=0)
sae

# %% [markdown]
# A **sparse autoencoder** (SAE) takes an activation apart: `x` (128 numbers, what layer 1 passes on at a token) becomes a sum of a few **latents**, of which this one has 1,024 and at most 16 are active at a token, each with
# a direction and a strength. The sum is the *reconstruction*, `x` less the sum is the *error*. Latents are easier to name than the 128 numbers; whether they are what the model uses is a question, and this chapter asks it.
#
# Two helpers: which tokens are the first stated total, and what the SAE reads there.


# %%
def first_total(trace):
    """The tokens of the first total of two digits."""
    start, end = re.search(r"= (\d\d)\b", trace.text).span(1)
    return tuple(i for i in range(len(trace.tokens)) if start <= trace.offsets[i] < end)


def activations(model, sae, trace, at):
    """What the SAE reads at some tokens, float32 [len(at), d]."""
    return model.read(trace, sae.config.site, positions=list(at))[sae.config.site]


at = first_total(trace)
print(at, [trace.tokens[i] for i in at])

# %% [markdown]
# By hand first. Click a row of the table, and the text is painted with that latent; drag over the digits of "= 40", and only what is active there is listed.

# %%
table = cl.FeatureTable(model, trace, sae)
table

# %% [markdown]
# ## 5.1 The strongest at a token (★, 2 minutes)
#
# Return the number of the latent that is most active at a `token` (an index into `trace.tokens`). `sae.encode(x)` makes latents of activations [n, d]; `.dense()` of that is float32 [n, 1024].


# %% exercise="5.1"
def strongest(model, sae, trace, token):
    return ...


# %%
check("5.1", strongest)

# %% [markdown]
# ## 5.2 What it stands for (★, 3 minutes)
#
# Names of latents are guesses: somebody, or a program, looked where a latent is active and wrote down what those places have in common. How good is a guess? Two boolean arrays over many tokens: where the latent is `active`, and where the concept `holds`.
# Return **precision** (of the tokens where it is active, the share where the concept holds) and **recall** (of those where it holds, the share where it is active).


# %% exercise="5.2"
def precision_recall(active, holds):
    return ..., ...


# %%
check("5.2", precision_recall)

# %% [markdown]
# At the second digit of "= 40" the strongest latents are these. `label_score` is F1, the harmonic mean of precision and recall, on texts that the label was not chosen on; where no guess reached .5 there is no label, and that is more honest than a bad one.

# %%
token = at[-1]
found = cl.features.features(trace, model, sae, selection=(token, token + 1)).frame()
found[["latent", "estimate", "label", "label_score", "density"]].head(8).round(2)

# %% [markdown]
# ## 5.3 What hangs on it (★★, 5 minutes)
#
# The strongest latent stands for "the token '0'", nearly perfectly. Does the model *use* it? The **exact effect** of a latent: take its part off the activation wherever it is active, leave all else (the error too) as it was, and measure what the logit
# difference of the answer loses. `cl.features.features(..., effect_of=[...])` does that, a forward pass each. Of the latents that are active at `token`, return the one with the largest effect **in size**. Is it the strongest one?


# %% exercise="5.3"
def owed_most(model, sae, trace, token):
    return ...


# %%
check("5.3", owed_most)

# %% [markdown]
# In the text above, latent 825 ("the token '0'", active with 33) has an effect of -.005 nats, and latent 412 ("last digit of a number", active with 26) one of +12.6. In the table: *effect, exact*, then a click on the head of the column.
#
# ## 5.4 Another number in its head (★★★, 8 minutes)
#
# Now an intervention that is not an edit. Leave the text as it is, and hold the latents at the digits of the first total at what they **would be if the text said `number`**. Read those off an edited copy (`trace.replace(place, text)`, chapter 1; `number` has two digits, so the tokens
# stay aligned). Return a list of `cl.features.clamp(sae, latents, values, positions=token)`, one for each of the tokens of `first_total(trace)`.
#
# The check lets the model write on behind the total with your changes. If these latents carry the number, the answer follows the arithmetic of `number`, though the text says something else.


# %% exercise="5.4"
def held(model, sae, trace, number):
    return [...]


# %%
check("5.4", held)

# %% [markdown]
# Measured over 40 problems for the 12 latents per token that matter most, beside random latents that move the activation as far: `python -m tests.reference.features.test_features_truth` in a checkout. Without that control it could be that any push of this size does it (chapter 4).
#
# ## 5.5 What it misses (★, 2 minutes)
#
# A reconstruction `rebuilt` (float [n, d]) is never all of the `activations`. Return, per token, the share of the **variance** that is missed: the squared length of the error over the squared distance of the activation from the mean over all tokens given.


# %% exercise="5.5"
def missed(activations, rebuilt):
    return ...


# %%
check("5.5", missed)

# %% [markdown]
# An SAE belongs to a model. The same one on a model that was trained on from abacus, with other habits:

# %%
for name in ("abacus", "abacus-posthoc"):
    reasoner = cl.load(name)
    thought = reasoner.reason(PROMPT, temperature=0)
    extras = cl.features.features(thought, reasoner, sae).extras
    worst = np.argsort(-np.nan_to_num(extras["error"]))[:4]
    print(f"{name}: explained {extras['explained_variance']:.3f}, worst at", [thought.tokens[i] for i in worst])

# %% [markdown]
# ## 5.6 Found, and missed (★★★, 8 minutes)
#
# Does the missed part matter? That can be tested: exchange *one part alone* with that of another text. `other` is the trace with another first total. At its tokens an activation is `part + rest`, where `part` is what the `k` strongest latents make of it (`rebuilt` below), and `rest` is all else.
# Return two answers: with the **part** of `other` and the own rest, and with the own part and the **rest** of `other`. `Patch(layer, at, values)` puts values [len(at), d] in place of what the layer passes on; let the model write on behind the total, as the check did in 5.4: `model.resume(trace, at=token, interventions=...)` keeps what stands before `token`, and writes on from there.

# %%
layer = int(sae.config.site.rpartition(".")[2])


def rebuilt(activations, k):
    """What the k strongest latents of each token make of its activation, float32 [n, d]."""
    latents = sae.encode(activations).dense()
    latents[latents < np.sort(latents, axis=1)[:, [-k]]] = 0
    return latents @ sae.directions(range(sae.config.d_sae)) + sae.weights["b_dec"].numpy()


# %% exercise="5.6"
def exchanged(model, trace, other, k):
    return ..., ...


# %%
check("5.6", exchanged)

# %% [markdown]
# Measured on eight thoughts. With all 16 latents the part carries the number in eight of eight, the rest in none; with 8 the same. With the single strongest latent the part carries it in **none**, and the rest in five of eight: the strongest latent says "the token '0'", which is true, and what is missed is the number.
# A share of variance doesn't tell you that. And on `abacus-posthoc` it misses more than ten times as much of the variance as on abacus, and still the found part carries the number, in six of six. So ask of every SAE: is *what I ask about* in the part it finds?
#
# ## 5.7 Where did it stand? (★★, 5 minutes)
#
# An SAE names what is there. A **probe** asks for one thing: a linear classifier that is fitted on activations, and tried on problems it hasn't seen. This one reads the tens digit of the answer after layer 2, at the last token *before* abacus has thought, in 240 stories:

# %%
extras = organisms.Extras(code=1, right=1, hint=0, trigger=0)
stories = {one.prompt: one for one in organisms.problems(240, seed=57, steps=2, fork=False, extras=extras)}


def tens(trace, at):
    return int(stories[trace.prompt].answers[0]) // 10


unthought = [model.compose(prompt, "So", None) for prompt in stories]
read = cl.probes.Probe(layers=(2,), folds=4).run(cl.probes.examples(unthought, tens), model)
print(next(iter(stories)))
read.frame()[["text", "estimate", "low", "high", "majority", "shuffled"]].round(2)

# %% [markdown]
# Right in 40 %, where the most frequent digit is right in 17 % and shuffled labels in 15 %. So abacus knows before it thinks? Chapter 2 says that it calculates in its thought. One of the two is wrong, or the probe reads something else.
# Don't argue: take away what you suspect. Return the prompt without it. The check tells abacus your 240 stories, sees that it still answers them rightly, and fits the probe again.


# %% exercise="5.7"
def without(prompt):
    return ...


# %%
check("5.7", without)

# %% [markdown]
# The same probe on `abacus-posthoc`, for the *ones* digit after layer 3, is right in half of 600 stories: that model does read the puzzle number and answers by it. No accuracy tells the two apart; what happens to the answer does. [docs/inside.md](../docs/inside.md) has all four.
#
# To see where a number is *carried*, exchange activations between two texts, cell by cell (chapter 5.6 did it for one cell). Below, the first total is altered, and both texts are cut behind its sentence: a row for each layer, a column for each sentence, the last for the answer itself. A cell's number is its *recovery*: 1 means that this cell alone brings the other text's answer along, 0 that it brings nothing.
# Click a cell, and its number stands at the side. Cells without a colour have their reason there: grey ones stand before the first difference and hold the same in both texts, hatched ones are below the noise floor or could not be measured (the legend tells the two hatches apart).

# %%
place = (trace.offsets[first_total(trace)[0]], trace.offsets[first_total(trace)[-1] + 1])
altered = trace.replace(place, str(int(trace.text[slice(*place)]) + 14))
stop = next(one.end for one in trace.spans("sentence") if one.char_end >= place[1])
pair = trace.truncate(stop), altered.truncate(stop)
grid = cl.patching.PatchGrid(directions=("sufficiency",)).run(*pair, model)
cl.show(grid)

# %% [markdown]
# After layers 0 and 1 it is the altered sentence that carries the number (recovery 1.00), after layers 2 and 3 the token where the answer is said (1.00), and each time the other brings nothing: layer 2 fetches it from there. So 5.4 and 5.6 changed it, after layer 1, in the last place where it stands at the sentence alone.
#
# ## 5.8 Used, or only there? (★★, 5 minutes)
#
# Some models think in **latents**: vectors that they hand on to themselves and never write down (no relation to the SAE's). `abacus-latent` thinks five for each change of the total: its sign, two digits of the amount, two digits of the total after it. The output embedding reads them:

# %%
thinker, control = cl.load("abacus-latent"), cl.load("abacus-latent-pause")
cases = organisms.latent_cases(6, changes=3, seed=58)
thoughts = thinker.reason([case.prompt for case in cases], temperature=0)
print(cases[0].prompt)
said = cl.latent.LatentLens().run(thoughts[0], thinker, says=cases[0].says).frame()
said[["text", "leading", "leading_logprob", "rank"]].round(3).T

# %% [markdown]
# Every one reads as a token, and surely. Are they used for it? Put another thought's latents 3 and 4 (the first total) in their place, and before you look at the answer *foretell* it: the other's first total, and the changes that come after it in this story. That is a test which can be lost. (By hand, with sliders: `cl.CoTEditor(thinker, thoughts[0], others=thoughts[1:])`; pick chips 3 and 4, press Enter, and move them to the donor's.)
# Return the share of pairs in which the model gives the foretold answer once the donor's latents 3 and 4 stand in the thought, with everything after them thought anew.


# %% exercise="5.8"
def followed(model, pairs):
    # pairs: (trace, donor, answer that is foretold)
    return ...


# %%
check("5.8", followed)

# %% [markdown]
# And `abacus-latent-pause`? The same shape, the same lens, but every position reads one learnt vector, whatever the latent before it was. What can be read there, and what happens when it is exchanged:

# %%
silent = control.reason([case.prompt for case in cases], temperature=0)
told = cl.latent.LatentLens().run(silent[0], control, says=cases[0].says).frame()
print(
    "says what it should:",
    (told["rank"] == 0).sum(),
    "of",
    len(told),
    "latents, the surest with p =",
    np.exp(told.leading_logprob.max()).round(2),
)
swap = cl.latent.Interchange(groups=[(3, 4)])
swap.run(silent[0], silent[1], control).frame()[["text", "foretold", "follows", "stays", "estimate"]]

# %% [markdown]
# Some of it can be read, and none of it is used: the exchange moves nothing. So "the steps can be decoded from the latents" is no evidence that the model thinks in them; this control refutes the step from one to the other. [docs/latents.md](../docs/latents.md) has both on many problems.
#
# ## The same on a pretrained model (optional)
#
# SmolLM2-135M-Instruct has no SAE beside it, so the cell trains a small one on sixty stories (about half a minute of processor; see chapter 1 for what has to be installed). With a GPU take a released one: `cl.features.load_sae(release, sae_id)`.
#
# Seen when it was tried: the small SAE explains .38 of the variance of the whole text, and misses .13 and .11 of it at the two digits of "19". Behind "She gives 4 to Tom, so" the model writes "19 - 4 = ". With all of the activation of "54" put in at those digits, at layer 15
# of 30, it writes "54 - 4 = ": the same intervention on a model that was trained on the web. With the found part alone it writes "54 - 4 = " as well; with the rest alone "12 + 4 = ", neither number. The strongest latent at the "9" has an exact effect of -.47 nats, the second of +.04.

# %% tags=["pretrained"]
if small := pretrained():
    site = "resid_post.15"
    stories = [
        f"Tom has {a} eggs. Tom buys {b} more, so {a} + {b} = {a + b}. He gives away {c}, so {a + b} - {c} = {a + b - c} are left."
        for a, b, c in np.random.default_rng(0).integers(2, 40, (60, 3))
    ]
    recipe = cl.features.Recipe(latents=512, k=16, steps=200, batch=256)
    small_sae = cl.features.train_sae(small, stories, site, recipe)
    sums = "Mia starts with 12 pears. She buys 7 more, so 12 + 7 = 19. She gives 4 to Tom, so 19 - 4 = 15 are left."
    told = small.compose(
        "Mia has 12 pears. She buys 7 more and gives 4 to Tom. How many pears does she have?", sums, "15"
    )
    at = first_total(told)
    strong = np.argsort(-small_sae.encode(activations(small, small_sae, told, at[-1:])).dense()[0])[:4]
    table = cl.features.features(told, small, small_sae, selection=(at[-1], at[-1] + 1), effect_of=strong)
    print(
        f"explained {table.extras['explained_variance']:.2f}, missed at the number",
        table.extras["error"][list(at)].round(2),
    )
    print(table.frame()[["latent", "estimate", "effect", "density"]].head(4).round(2), table.extras["effect_words"])
    edited = told.replace((told.offsets[at[0]], told.offsets[at[-1] + 1]), "54")
    here, there = (activations(small, small_sae, text, at) for text in (told, edited))
    mine, theirs = (small_sae.decode(small_sae.encode(x)) for x in (here, there))
    patches = {"nothing": here, "all": there, "the found part": theirs + here - mine, "the rest": mine + there - theirs}
    sum_at = next(i for i in range(len(told.tokens)) if told.offsets[i] >= told.text.index(" 19 - 4"))
    for name, values in patches.items():
        changed = Patch(15, at, values)
        written = small.resume(told, at=sum_at, temperature=0, max_new_tokens=8, interventions=changed)
        print(f"{name} of 54 put in:", repr(written.text[told.offsets[sum_at] :]))

# %% [markdown]
# **What to take along.** A latent needs three things before it is part of a story: a name that holds up on other texts (5.2), an effect (5.3), and an intervention that does what the story says (5.4). And the story ends where the error begins (5.6). Chapter 6 turns such a finding into a claim.
