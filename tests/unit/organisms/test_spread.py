"""The table of how far seeds differ: means and ends of what was measured of each."""

import json

from cotlens.organisms.evaluation import spread


def measured(right, follows, kept):
    return {
        "right": {"1": [right, 0.0, 1.0], "3": [right / 2, 0.0, 1.0], "5": [right, 0.0, 1.0]},
        "used": {"1": {"estimate": [follows]}, "3": {"estimate": [follows, None, follows]}},
        "ablated": {"total": kept, "direct": []},
    }


def test_means_and_ends_over_seeds(tmp_path):
    kept = [[*[0.9] * 3, last, 0.3] * 3 for last in (0.1, 0.3)]
    given = [measured(1.0, 0.8, kept[0]), measured(0.9, 0.9, kept[1])]
    for seed, one in enumerate(given):
        (tmp_path / str(seed)).mkdir()
        (tmp_path / str(seed) / "abacus-latent.measured.json").write_text(json.dumps(one))
    folders = [tmp_path / "0", tmp_path / "1", tmp_path / "none"]
    lines = spread.table(folders).splitlines()[2:]
    assert lines == [
        "| abacus-latent | 1 | 2 | 95.0% [90.0%, 100.0%] | 85.0% [80.0%, 90.0%] | - |",
        "| abacus-latent | 3 | 2 | 47.5% [45.0%, 50.0%] | 85.0% [80.0%, 90.0%] | 25.0% [20.0%, 30.0%] |",
        "| abacus-latent | 5 | 2 | 95.0% [90.0%, 100.0%] | - | - |",
    ]
    alone = spread.table(folders[:1]).splitlines()[2]
    assert alone == "| abacus-latent | 1 | 1 | 100.0% | 80.0% | - |"


def test_a_control_that_was_never_right_has_no_ablation(tmp_path):
    (tmp_path / "abacus-latent-pause.measured.json").write_text(json.dumps(measured(0.0, 0.0, [])))
    assert spread.table([tmp_path]).splitlines()[3] == "| abacus-latent-pause | 3 | 1 | 0.0% | 0.0% | - |"
