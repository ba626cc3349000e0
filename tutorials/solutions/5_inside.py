"""Solutions of chapter 5. A teacher may keep this folder from the students."""
# ruff: noqa: F821  the names that the chapter has made by then


# %% exercise="5.1"
def strongest(model, sae, trace, token):
    activation = model.read(trace, sae.config.site, positions=[token])[sae.config.site]
    return int(sae.encode(activation).dense()[0].argmax())


# %% exercise="5.2"
def precision_recall(active, holds):
    both = (active & holds).sum()
    return both / active.sum(), both / holds.sum()


# %% exercise="5.3"
def owed_most(model, sae, trace, token):
    activation = model.read(trace, sae.config.site, positions=[token])[sae.config.site]
    active = np.flatnonzero(sae.encode(activation).dense()[0])
    found = cl.features.features(trace, model, sae, selection=(token, token + 1), effect_of=active)
    return int(found.frame().set_index("latent").effect.abs().idxmax())


# %% exercise="5.4"
def held(model, sae, trace, number):
    at = first_total(trace)
    other = trace.replace((trace.offsets[at[0]], trace.offsets[at[-1] + 1]), str(number))
    here, there = (sae.encode(activations(model, sae, text, at)).dense() for text in (trace, other))
    changes = []
    for row, token in enumerate(at):
        latents = np.flatnonzero((here[row] > 0) | (there[row] > 0))
        changes.append(cl.features.clamp(sae, latents.tolist(), there[row, latents].tolist(), positions=token))
    return changes


# %% exercise="5.5"
def missed(activations, rebuilt):
    left = ((activations - rebuilt) ** 2).sum(axis=1)
    return left / ((activations - activations.mean(axis=0)) ** 2).sum(axis=1)


# %% exercise="5.6"
def exchanged(model, trace, other, k):
    at = first_total(trace)
    here, there = activations(model, sae, trace, at), activations(model, sae, other, at)
    mine, theirs = rebuilt(here, k), rebuilt(there, k)

    def answered(values):
        changed = Patch(layer, at, values)
        return int(model.resume(trace, at=at[-1] + 1, temperature=0, interventions=changed).read_answer().text)

    return answered(theirs + here - mine), answered(mine + there - theirs)


# %% exercise="5.7"
def without(prompt):
    return re.sub(r"^Puzzle \d+\. ", "", prompt)


# %% exercise="5.8"
def followed(model, pairs):
    swap = cl.latent.Interchange(groups=[(3, 4)])
    runs = [swap.run(trace, donor, model, foretold=[answer]) for trace, donor, answer in pairs]
    return np.mean([run.columns["follows"][0] for run in runs])
