"""What a forced answer should score, by the definition in `measure.answers.forced`, from rows of probabilities.

Written for numbers, of which nothing but ids and the tokenizer's own texts is known here.
"""

import re
from functools import lru_cache

import numpy as np

ONWARD = re.compile(r"[ \u00a0\u2009\u202f.,'\u2019\u066b\u066c]?[0-9]|[/^{]|[ \u00a0\u2009\u202f]+\Z")


@lru_cache(maxsize=1)  # to decode 49,152 tokens one by one takes a second
def texts(tokenizer):
    """The text of every token."""
    return [tokenizer.decode([token]) for token in range(len(tokenizer))]


def answer_metrics(tokenizer, run, ids, start):
    """Log-probability and logit difference of the number ids[start:], and of its end.

    Args:
        run: from ids to float64 log-probabilities [n, vocabulary].
    """
    words = texts(tokenizer)
    rows = run(ids)
    own = [rows[i - 1, ids[i]] for i in range(start, len(ids))]
    rivals = [np.delete(rows[i - 1], ids[i]).max() for i in range(start, len(ids))]
    after = np.exp(rows[-1][: len(words)])
    onward = np.array([bool(ONWARD.match(word)) for word in words])
    digits = np.array([word[:1].isdecimal() for word in words])
    unclear = [words.index("."), words.index(",")]
    if "." in tokenizer.decode(ids[start:]):
        unclear = []
    ended, against = after[~onward & ~np.isin(np.arange(len(words)), unclear)].sum(), [after[onward].max()]
    for token in unclear:
        follows = np.exp(run([*ids, token])[-1][: len(words)])[digits].sum()
        ended += after[token] * (1 - follows)
        against.append(after[token] * follows)
    ended, against = np.log(ended), np.log(max(against))
    rest = np.cumsum([*own, ended][::-1])[::-1]
    return rest[0], min([*(rest[:-1] - rivals), ended - against])
