"""Charts and coloured tokens: what is drawn is what was measured, and nothing needs a network."""

import dataclasses

import numpy as np
import pytest

from cotlens._core.errors import InputError
from cotlens.plots.palette import INK
from cotlens.plots.tokens import colored_tokens
from cotlens.results import Provenance, Result


def result(estimates, **extras):
    count = len(estimates)
    measured = np.isfinite(estimates)
    columns = {
        "start": np.arange(count),
        "end": np.arange(count) + 1,
        "text": [f"t{i}" for i in range(count)],
        "estimate": np.array(estimates, dtype=float),
        "low": np.array(estimates, dtype=float) - 0.1,
        "high": np.array(estimates, dtype=float) + 0.1,
        "n": measured.astype(int),
        "status": ["ok" if ok else "not measured: cancelled" for ok in measured],
    }
    words = {"sign": "+ = supports", "zero": "no effect", "scale_unit": "nats"}
    return Result("importance", "Occlusion", "logit_difference", "token", columns, **words,
                  provenance=Provenance("Occlusion"), extras=extras)  # fmt: skip


def test_the_bars_are_the_measured_rows_and_the_title_counts_the_rest():
    spec = result([1.0, np.nan, -2.0]).chart().to_dict()
    rows = next(iter(spec["datasets"].values()))
    assert [row["estimate"] for row in rows] == [1.0, -2.0]
    assert "1 not measured" in str(spec)


def test_what_was_drawn_again_and_the_worst_case_stand_beside_the_bars():
    plain = result([0.4, 0.1])
    more = {
        "low_worst": [0.1, 0.0], "high_worst": [0.7, 0.2],
        "confirmed": [0.25, np.nan], "confirmed_low": [0.1, np.nan], "confirmed_high": [0.4, np.nan],
        "confirmed_n": [30, 0],
    }  # fmt: skip
    spec = dataclasses.replace(plain, columns={**plain.columns, **more}).chart().to_dict()
    drawn = [layer["encoding"]["x"]["field"] for layer in spec["layer"]]
    assert drawn == ["estimate", "low", "low_worst", "confirmed_low", "confirmed"]
    assert "diamonds: drawn again" in str(spec)
    assert len(plain.chart().to_dict()["layer"]) == 2


def test_long_results_show_the_largest_and_say_so():
    values = np.linspace(-1, 1, 1001)
    spec = str(result(values).chart().to_dict())
    assert "the 400 largest of 1001" in spec


def test_the_curve_has_a_line_per_answer():
    curve = np.array([[0.2, 0.8], [0.9, 0.1]])
    spec = result([0.7], curve=curve, curve_at=np.array([3, 4]), answers=["7"]).chart(view="curve").to_dict()
    rows = next(iter(spec["datasets"].values()))
    assert {(row["token"], row["answer"]) for row in rows} == {(3, "7"), (3, "other"), (4, "7"), (4, "other")}


def test_charts_are_drawn_without_a_network():
    drawn = result([1.0, -1.0]).chart()._repr_mimebundle_()
    shown = drawn[0] if isinstance(drawn, tuple) else drawn
    assert list(shown) == ["image/svg+xml"]


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<svg"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")])
def test_a_chart_is_a_file_for_a_paper(tmp_path, name, begins):
    result([1.0, -1.0]).chart().save(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_wrong_views_are_refused():
    with pytest.raises(InputError, match="curve"):
        result([1.0]).chart(view="curves")
    with pytest.raises(InputError, match="run EarlyAnswer"):
        result([1.0]).chart(view="curve")


def test_coloured_tokens_are_local_and_harmless():
    html = colored_tokens(["a", "</script><script>alert(1)</script>", "b"], [0.1, -2.0, np.nan])._repr_html_()
    assert "alert(1)</script>" not in html
    assert "unpkg" not in html
    assert "⟦b⟧" in html
    assert len(colored_tokens(["word "] * 1000, np.linspace(-1, 1, 1000))._repr_html_()) < 120_000


def test_coloured_units_that_may_be_nothing_are_not_filled():
    html = colored_tokens(result([1.0, 0.05, -1.0]))._repr_html_()  # intervals of 0.1 to both sides
    assert html.count("background-color") == 2
    assert html.count("border-bottom") == 1
    with pytest.raises(InputError, match="red"):
        colored_tokens(["a"], [1.0], positive_color="red;}")


def test_effects_too_small_to_be_looked_at_get_no_colour():
    small = result([0.002, -0.001, 0.0])
    exact = {**small.columns, "low": small.columns["estimate"], "high": small.columns["estimate"]}
    html = colored_tokens(dataclasses.replace(small, columns={**exact, "status": ["exact"] * 3}))._repr_html_()
    assert "background-color" not in html and "rgba" not in html
    assert html.count(f"border-bottom: 2px solid {INK}") == 2
    clear = {
        **small.columns,
        "n": np.full(3, 50),
        "low": small.columns["estimate"] - 1e-4,
        "high": small.columns["estimate"] + 1e-4,
    }
    html = colored_tokens(dataclasses.replace(small, columns=clear))._repr_html_()
    assert "rgba(230, 159, 0, 0.02)" in html, "0.002 nats are a fiftieth of the least that fills a scale"


def test_coloured_tokens_want_a_value_each():
    with pytest.raises(InputError, match="2 tokens need 2 values; 1 values"):
        colored_tokens(["a", "b"], [1.0])
    assert colored_tokens(result([1.0, 2.0]))._repr_html_()
