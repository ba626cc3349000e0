"""Whether two models have the same tokens, so that ids of one are the other's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from cotlens.models.contract import Model

TRIAL = "First I add 12 and 7, which gives 19.\n\nWait, let me check: caf\u00e9 = 3 * (4 - 1)?"


def check_same_tokens(write: Model, look: Model) -> None:
    """Raise InputError unless every id means the same to both, and both make the same ids of a text and of a prompt."""
    names = f"{write.name!r} (write, {write.backend}) and {look.name!r} (look, {look.backend})"
    sizes = [len(model.format.codec.tokenizer) for model in (write, look)]
    mine, theirs = (model.codec.pieces(range(min(sizes))) for model in (write, look))
    at = next((i for i, pair in enumerate(zip(mine, theirs, strict=True)) if pair[0] != pair[1]), None)
    if at is not None:
        raise InputError(
            f"{names} don't have the same tokens: token {at} is {mine[at].decode('utf-8', 'replace')!r} to one and "
            f"{theirs[at].decode('utf-8', 'replace')!r} to the other; load both with one tokenizer."
        )
    if write.codec.encode(TRIAL) != look.codec.encode(TRIAL):
        raise InputError(f"{names} make different tokens of the same text; load both with one tokenizer.")
    if write.format.open("12 + 7?", "So").ids != look.format.open("12 + 7?", "So").ids:
        raise InputError(f"{names} put a prompt in different words; load both with one chat template and format=.")
