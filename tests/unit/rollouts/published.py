"""A made-up problem in the published layout, small enough to know every number of."""

import json

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
            "overdeterminedness": [0.3, 0.2, 0.1, 0.0][i],
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
    } | changes


def write(folder, **changes):
    """The folder with these files in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files(**changes).items():
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder
