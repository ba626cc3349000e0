"""A made-up problem in the published layout, small enough to know every number of."""

import json

import numpy as np

THOUGHT = "First I add the numbers. Then I double them. Wait, is that right? Yes, it is 14."
CHUNKS = ["First I add the numbers.", "Then I double them.", "Wait, is that right?", "Yes, it is 14."]
ACCURACY = [0.5, 0.6, 0.95, 1.0]
DISSIMILAR = [0.5, 0.0, 0.2, 0.0]  # the last 0 means nothing
COUNTERFACTUAL = [-0.2, 0.0, -0.5, 0.0]


def rows(**changes):
    table = [
        {
            "chunk": chunk,
            "chunk_idx": i,
            "function_tags": ["active_computation"],
            "depends_on": [str(i - 1)] if i else [],
            "summary": f"step {i}",
            "accuracy": ACCURACY[i],
            "resampling_importance_accuracy": ACCURACY[i + 1] - ACCURACY[i] if i < 3 else 0.0,
            "resampling_importance_kl": [0.1, 7.5, 0.3, 0.0][i],
            "counterfactual_importance_accuracy": COUNTERFACTUAL[i],
            "counterfactual_importance_kl": [0.2, 0.0, 0.4, 0.0][i],
            "forced_importance_accuracy": [0.0, 0.9, 0.1, 0.0][i],
            "forced_importance_kl": [0.2, 0.1, 0.4, 0.0][i],
            "different_trajectories_fraction": DISSIMILAR[i],
            "overdeterminedness": [0.31, 0.23, 0.11, 0.0][i],
        }
        for i, chunk in enumerate(CHUNKS)
    ]
    for name, values in changes.items():
        for row, value in zip(table, values, strict=True):
            row[name] = value
    return table


def pairs():
    cells = {(0, 1): 0.5, (0, 2): -0.1, (0, 3): 0.0, (1, 2): 0.2, (1, 3): 0.1, (2, 3): -0.05}
    return [
        {
            "source_chunk_idx": i,
            "source_chunk_text": CHUNKS[i],
            "target_impacts": [
                {"target_chunk_idx": j, "importance_score": cells[i, j]} for j in range(i + 1, len(CHUNKS))
            ],
        }
        for i in range(len(CHUNKS))
    ]


def lists(sizes=(100, 100, 100, 100), distinct=(69, 77, 89, 80)):
    """What was said in place of every sentence: texts of which some repeat."""
    return {
        str(i): [f"another {j % different}" for j in range(n)]
        for i, (n, different) in enumerate(zip(sizes, distinct, strict=True))
    }


def simulated(sizes, seed):
    """Rows of made-up rollouts as they are published: shares and differences of `sizes` rollouts that answered.

    Args:
        sizes: per sentence.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for n in sizes:
        correct = rng.random(n) < rng.choice([0.0, 0.2, 0.5, 0.8, 0.97, 1.0])
        unlike = rng.random(n) < rng.choice([0.0, 0.3, 0.9, 1.0])
        drawn.append((correct, unlike, rng.integers(rng.integers(1, 2 * n + 1), size=n)))
    accuracy = [float(correct.mean()) for correct, *_ in drawn]
    table = []
    for i, (correct, unlike, said) in enumerate(drawn):
        last = i == len(sizes) - 1
        after = accuracy[min(i + 1, len(sizes) - 1)]
        table.append(
            {
                "chunk": f"This is sentence {i} of a made-up thought.",
                "chunk_idx": i,
                "accuracy": accuracy[i],
                "resampling_importance_accuracy": 0.0 if last else after - accuracy[i],
                "counterfactual_importance_accuracy": (
                    0.0 if last or not unlike.any() else float(correct[unlike].mean()) - after
                ),
                "different_trajectories_fraction": 0.0 if last else float(unlike.mean()),
                "overdeterminedness": 0.0 if last else 1 - len(set(said.tolist())) / len(said),
            }
        )
    return table, {str(i): [f"text {each}" for each in said] for i, (*_, said) in enumerate(drawn)}


def files(**changes):
    """File name -> content; a content of None leaves the file out."""
    prompt = "Solve this. Problem: double 3 + 4. Solution: \n<think>\n"
    solution = f"{THOUGHT}\n</think>\n\nThe answer is \\boxed{{14}}."
    base = {"prompt": prompt, "solution": solution, "full_cot": prompt + solution, "answer": "14", "is_correct": True}
    return {
        "chunks_labeled": rows(),
        "base_solution": base,
        "problem": {"problem": "double 3 + 4", "gt_answer": "14", "nickname": "Doubling"},
        "step_importance": pairs(),
        "chunks_resampled": lists(),
    } | changes


def write(folder, **changes):
    """The folder with these files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files(**changes).items():
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


# ---------------------------------------------------------------- a problem that was sampled

SENTENCES = 60
ANCHORS = (17, 31, 44)  # sentences after which the answer comes much more often, or much less


def sampled(seed=0):
    """Files of a problem whose rollouts were drawn here, so that every published column is one of known counts.

    Of some 100 rollouts from before each sentence 94 to 100 answer; where none of them says anything else, the
    counterfactual columns hold the zeros that mean "not measured".
    """
    rng = np.random.default_rng(seed)
    rate = np.repeat([0.3, 0.85, 0.4, 0.9], np.diff([0, *(i + 1 for i in ANCHORS), SENTENCES]))
    n = rng.integers(94, 101, SENTENCES)
    accuracy = rng.binomial(n, rate) / n
    other = np.where(rng.random(SENTENCES) < 0.15, 0, rng.integers(1, 60, SENTENCES))  # rollouts that say otherwise
    instead = rng.binomial(other, rate) / np.maximum(other, 1)
    forced = rng.integers(0, 101, SENTENCES) / 100
    following = np.append(accuracy[1:], np.nan)
    columns = {
        "accuracy": accuracy,
        "resampling_importance_accuracy": following - accuracy,
        "resampling_importance_kl": rng.exponential(0.05, SENTENCES),
        "counterfactual_importance_accuracy": np.where(other > 0, instead - following, 0.0),
        "counterfactual_importance_kl": np.where(other > 0, rng.exponential(0.05, SENTENCES), 0.0),
        "forced_importance_accuracy": np.append(np.diff(forced), np.nan),
        "forced_importance_kl": np.where(rng.random(SENTENCES) < 0.1, 9.0, rng.exponential(0.5, SENTENCES)),
        "different_trajectories_fraction": other / n,
        "overdeterminedness": 1 - rng.integers(1, n) / n,
    }
    for name in columns:
        columns[name][-1] = columns[name][-1] if name in ("accuracy", "overdeterminedness") else 0.0
    chunks = [f"So in step {i} I find {int(rng.integers(10, 99))} of them." for i in range(SENTENCES)]
    table = [
        {"chunk": chunk, "chunk_idx": i, "function_tags": ["active_computation"], "depends_on": [], "summary": f"{i}"}
        | {name: float(values[i]) for name, values in columns.items()}
        for i, chunk in enumerate(chunks)
    ]
    return {**_texts(chunks), "chunks_labeled": table, "step_importance": _steps(chunks, rng)}


def _texts(chunks):
    prompt, solution = "Solve this. Problem: count them. Solution: \n<think>\n", " ".join(chunks)
    solution += "\n</think>\n\nThe answer is \\boxed{14}."
    base = {"prompt": prompt, "solution": solution, "full_cot": prompt + solution, "answer": "14", "is_correct": True}
    problem = {"problem": "count them", "gt_answer": "14", "nickname": "Counting"}
    return {"base_solution": base, "problem": problem}


def _steps(chunks, rng):
    """What each sentence adds to the rate at which each later one is said: differences of neighbouring rates."""
    rates = rng.integers(0, 101, (len(chunks) + 1, len(chunks))) / 100
    return [
        {
            "source_chunk_idx": i,
            "source_chunk_text": chunk,
            "target_impacts": [
                {"target_chunk_idx": j, "importance_score": float(rates[i + 1, j] - rates[i, j])}
                for j in range(i + 1, len(chunks))
            ],
        }
        for i, chunk in enumerate(chunks)
    ]
