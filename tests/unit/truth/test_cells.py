"""Cells of a long run: what is kept, what a kill loses, and what counts as other code."""

from tests.truth import cells
from tests.truth.cells import Cells, code_of


def place(tmp_path):
    return {"packed": tmp_path / "data", "work": tmp_path / "work"}


def test_a_run_goes_on_where_it_was_killed(tmp_path):
    run = Cells("one", **place(tmp_path))
    run.put("a", "code", scores=[1.5, None])
    run.put("b", "code", scores=[2.0])
    file = tmp_path / "work" / "one.jsonl"
    file.write_text(file.read_text()[:-5])  # killed while the last line was written
    again = Cells("one", **place(tmp_path))
    assert again.get("a")["scores"] == [1.5, None]
    assert again.get("b") is None
    again.put("b", "code", scores=[3.0])
    assert Cells("one", **place(tmp_path)).get("b")["scores"] == [3.0]


def test_what_was_measured_with_other_code_is_missing(tmp_path):
    run = Cells("one", **place(tmp_path))
    run.put("a", "old", scores=[1.0])
    assert run.get("a", "new") is None
    assert run.get("a", "old") == run.get("a") is not None
    run.put("a", "new", scores=[2.0])
    assert [cell["scores"] for cell in Cells("one", **place(tmp_path))] == [[2.0]]


def test_packing_is_the_same_for_the_same_cells(tmp_path):
    for order in ("ab", "ba"):
        run = Cells("one", packed=tmp_path / order, work=tmp_path / "work")
        for key in order:
            run.put(key, "code", scores=[1.0])
        run.pack()
        assert not (tmp_path / "work" / "one.jsonl").exists()
    assert (tmp_path / "ab" / "one.jsonl.gz").read_bytes() == (tmp_path / "ba" / "one.jsonl.gz").read_bytes()
    later = Cells("one", packed=tmp_path / "ab", work=tmp_path / "work")
    later.put("a", "code", scores=[9.0])
    assert Cells("one", packed=tmp_path / "ab", work=tmp_path / "work").get("a")["scores"] == [9.0]


def test_docstrings_and_comments_are_no_code(tmp_path):
    file = tmp_path / "module.py"
    file.write_text('"""One."""\n\n\ndef f(x):\n    """What it does."""\n    return x  # why\n')
    first = cells._bare(file)
    file.write_text('"""Two."""\n\n\ndef f(x):\n    """Other words."""\n    return x\n')
    cells._bare.cache_clear()
    assert cells._bare(file) == first
    file.write_text("def f(x):\n    return -x\n")
    cells._bare.cache_clear()
    assert cells._bare(file) != first


def test_the_code_of_a_measure_is_what_it_imports():
    found = {path.stem for path in cells._reached("cotlens.measure.importance.occlusion", set())}
    assert {"occlusion", "forced", "occlusion_rows", "ranks", "proportions"} <= found
    assert not {"resampling", "suppression", "gradient"} & found
    assert code_of("cotlens.measure.importance.occlusion") != code_of("cotlens.measure.importance.suppression")
