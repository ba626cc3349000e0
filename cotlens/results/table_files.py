"""A result's table as a file of other programs: CSV, Parquet, LaTeX."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cotlens._core import files
from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.optional import need
from cotlens.results.result import Result

if TYPE_CHECKING:
    import pandas


def write(result: Result, path: files.PathLike) -> None:
    """Write the table as the suffix says.

    Raises:
        InputError: the suffix is none of `FORMATS`, a package for it is missing, or the file can't be written.
    """
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(f"A table can't be written as {Path(path).name!r}. {did_you_mean(kind, FORMATS)}")
    files.write_bytes(path, FORMATS[kind](result.frame()))


def _csv(frame: pandas.DataFrame) -> bytes:
    return frame.to_csv(index_label="row").encode("utf-8")


def _parquet(frame: pandas.DataFrame) -> bytes:
    need("pyarrow", "A .parquet file", "parquet")
    body = io.BytesIO()
    frame.to_parquet(body)
    return body.getvalue()


def _latex(frame: pandas.DataFrame) -> bytes:
    """A tabular; texts are one line and can't be commands."""
    words = frame.select_dtypes("object").columns
    frame = frame.assign(**{name: frame[name].map(lambda text: " ".join(str(text).split())) for name in words})
    return frame.to_latex(escape=True, index_names=True, float_format="%.4g", na_rep="--").encode("utf-8")


FORMATS: dict[str, Callable[[pandas.DataFrame], bytes]] = {"csv": _csv, "parquet": _parquet, "tex": _latex}
