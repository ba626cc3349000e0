"""Typed tables of what was measured, with where each number comes from.

A `Result` knows its sign, its zero and its unit in words, keeps what could not be measured as NaN with a status, and
saves to one file without pickle. Open `result` first. `table` are its columns, `provenance` is enough to measure it
again, `certainty` says which effects are clear of zero, and which are too small to colour. `summary` says a result in
words, `table_files` writes it for other programs, `code` is Python that makes traces and measures them again.
"""

from cotlens.results.provenance import Cost, Provenance, versions
from cotlens.results.result import Result, load_result

__all__ = ["Cost", "Provenance", "Result", "load_result", "versions"]
