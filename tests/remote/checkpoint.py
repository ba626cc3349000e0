"""Writes the tiny model that the tests of the endpoint serve to a folder, for a real server to serve it.

`python -m tests.remote.checkpoint FOLDER`
"""

import sys

from tests.model import tiny

FAMILY = "qwen3_wide"


def write(folder):
    """Model and tokenizer, as transformers keeps them."""
    for part in tiny.pair(FAMILY):
        part.save_pretrained(folder)


if __name__ == "__main__":
    write(sys.argv[1])
