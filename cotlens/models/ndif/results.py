"""Results, from bytes to tensors: only plain tensors, numbers, texts and lists of them are let in."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import torch
import zstandard

from cotlens._core.errors import BackendError
from cotlens.models.ndif.faults import TransientError


def read(content: bytes) -> dict[str, Any]:
    """What a block has saved, by name.

    Raises:
        TransientError: it arrived damaged.
        BackendError: it holds something other than plain data.
    """
    try:
        raw = zstandard.ZstdDecompressor().decompress(content)
        if not zipfile.is_zipfile(io.BytesIO(raw)):
            raise ValueError("not what torch saves")
        found = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)  # noqa: TID251 - plain data only
    except (zstandard.ZstdError, EOFError, ValueError, OSError) as error:
        raise TransientError("the result arrived damaged") from error
    except Exception as error:
        if type(error).__name__ == "UnpicklingError":
            raise BackendError("The result holds more than plain numbers, so it was not read.") from error
        raise TransientError("the result arrived damaged") from error
    return dict(found)
