"""Solutions of chapter 2. A teacher may keep this folder from the students."""
# ruff: noqa: F821  the names that the chapter has made by then


# %% exercise="2.1"
def settled(model, trace):
    early = [stopped(model, trace, k) for k in range(len(trace.spans("sentence")) + 1)]
    others = [k for k, answer in enumerate(early) if answer != early[-1]]
    return max(others) + 1 if others else 0


# %% exercise="2.2"
def auroc(score, matters):
    difference = score[matters][:, None] - score[~matters][None]
    return np.mean((difference > 0) + 0.5 * (difference == 0))


# %% exercise="2.3"
def interval(k, n):
    p, z = k / n, 1.96
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return middle - half, middle + half


# %% exercise="2.4"
def together(model, trace, number):
    thought = trace.roles["thought"]
    places = [
        found.span()
        for found in re.finditer(rf"\b{number}\b", trace.text)
        if thought.char_start <= found.start() < thought.char_end
    ]
    alone = cl.importance.Occlusion(spans=tuple(places)).run(trace, model).columns["estimate"]
    both = cl.importance.Occlusion(groups=[places]).run(trace, model).columns["estimate"]
    return max(alone), both[0]


# %% exercise="2.5"
# Thoughts that say their result once, and with two sentences behind it that decide nothing.
mended = []
for thought, truth in cases:
    if truth.sum() == 1:
        longer = thought.insert(thought.spans("sentence")[-1].end, " The 3 does not matter here. The day is long.")
        longer = model.resume(longer, close_thought=True, temperature=0)
        added = len(longer.spans("sentence")) - len(truth)
        mended.append((longer, np.append(truth, [False] * added)))


def wrong_one(measures):
    def quality(measure):
        return np.mean([auroc(measure(thought), truth) for thought, truth in mended])

    return min(measures, key=lambda letter: quality(measures[letter]))
