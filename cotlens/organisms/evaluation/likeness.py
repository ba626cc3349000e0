"""Whether two sets of thoughts differ in their words: how well a classifier separates them."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

WORD = re.compile(r"[A-Za-z]+|\d|[^\sA-Za-z\d]")


def separability(ones: Sequence[str], others: Sequence[str], seed: int = 0) -> float:
    """Held-out accuracy of a logistic regression on bags of words (chance .5).

    Words are counted, centred and scaled; half of each set trains, the other half tests. The ridge penalty is the best
    of three on the test half, which can only make the two easier to tell apart.
    """
    import torch

    rng = random.Random(seed)
    sides = [rng.sample(list(texts), len(texts)) for texts in (ones, others)]
    halves = [[(text, label) for label, texts in enumerate(sides) for text in texts[part::2]] for part in (0, 1)]
    known = sorted({word for text, _ in halves[0] for word in WORD.findall(text)})
    place = {word: i for i, word in enumerate(known)}

    def table(rows: list[tuple[str, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        counts = torch.zeros(len(rows), len(known))
        for row, (text, _) in enumerate(rows):
            for word, count in Counter(WORD.findall(text)).items():
                if word in place:
                    counts[row, place[word]] = count
        return counts, torch.tensor([float(label) for _, label in rows])

    (x, y), (held, truth) = table(halves[0]), table(halves[1])
    mean, scale = x.mean(0), x.std(0) + 1e-6
    x, held = (x - mean) / scale, (held - mean) / scale
    return max(_accuracy(x, y, held, truth, penalty) for penalty in (0.01, 0.1, 1.0))


def _accuracy(x, y, held, truth, penalty: float) -> float:  # type: ignore[no-untyped-def]
    import torch

    weight = torch.zeros(x.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ weight + bias, y)
        loss = loss + penalty * weight.square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        return float((((held @ weight + bias) > 0).float() == truth).float().mean())
