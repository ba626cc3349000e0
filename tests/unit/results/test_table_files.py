"""A result as a table for other programs."""

import re

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.results import Provenance, Result


def result(texts, estimates, status=None):
    n = len(texts)
    columns = {
        "start": range(n), "end": range(1, n + 1), "text": texts, "estimate": estimates, "low": estimates,
        "high": estimates, "n": [1] * n, "status": status or ["exact"] * n,
    }  # fmt: skip
    words = {"method": "M", "metric": "log_probability", "sign": "+ = supports", "zero": "none", "scale_unit": "nats"}
    return Result(kind="importance", unit="token", columns=columns, provenance=Provenance("M", {}, "abacus"), **words)


@pytest.mark.parametrize("kind", ["csv", "parquet", "tex"])
def test_tables(tmp_path, kind):
    import pandas

    given = result(["a_b\n& c", "d"], [1.0, np.nan], status=["exact", "not measured: too long"])
    given.save_table(path := tmp_path / f"t.{kind}")
    if kind == "tex":
        written = path.read_text("utf-8")
        assert re.search(r"a\\_b \\& c & 1 ", written) and "--" in written
        return
    read = pandas.read_csv(path) if kind == "csv" else pandas.read_parquet(path)
    assert read["text"].tolist() == ["a_b\n& c", "d"] and np.isnan(read["estimate"][1])


def test_other_tables_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"can't be written as 't\.xlsx'"):
        result(["a"], [1.0]).save_table(tmp_path / "t.xlsx")
