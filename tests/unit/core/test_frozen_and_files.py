import copy
import json
import math
import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cotlens as cl
from cotlens._core import files
from cotlens._core.errors import InputError
from cotlens._core.frozen import FrozenDict, frozen_array

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("a", 2),
        lambda d: d.__delitem__("a"),
        lambda d: d.update(b=1),
        lambda d: d.pop("a"),
        lambda d: d.popitem(),
        lambda d: d.clear(),
        lambda d: d.setdefault("b", 1),
        lambda d: d.__ior__({"b": 1}),
    ],
)
def test_a_frozen_dict_refuses_change(change):
    frozen = FrozenDict({"a": 1})
    with pytest.raises(TypeError, match="can't be changed"):
        change(frozen)
    assert frozen == {"a": 1}


def test_a_frozen_dict_is_otherwise_a_dict():
    frozen = FrozenDict({"a": [1]})
    assert json.dumps(frozen) == '{"a": [1]}'
    assert frozen | {"b": 2} == {"a": [1], "b": 2}
    for twin in (copy.copy(frozen), copy.deepcopy(frozen)):
        assert twin == frozen
        assert isinstance(twin, FrozenDict)


def test_a_frozen_array_is_independent_of_what_was_given():
    given_ = np.arange(4)
    window = given_[1:]
    window.setflags(write=False)
    for values in (given_, window):
        frozen = frozen_array(values, np.int64)
        kept = frozen.tolist()
        given_ += 1
        assert frozen.tolist() == kept
        assert not frozen.flags.writeable
    assert frozen_array(frozen, np.int64) is frozen


@given(
    hnp.arrays(
        st.sampled_from(["<f4", "<f8", ">f4", "<i4", "<i8", ">i8", "u1", "?"]), hnp.array_shapes(min_dims=0, min_side=0)
    )
)
def test_arrays_come_back(array):
    back = files.unpack_array(json.loads(json.dumps(files.pack_array(array))))
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("<")


@given(PLAIN)
def test_plain_data_comes_back(value):
    back = files.revive(json.loads(json.dumps(files.plain(value, "it"), allow_nan=False)))
    assert repr(back) == repr(value)


def test_numpy_values_and_tuples_become_plain(tmp_path):
    value = {"a": np.float32(0.5), "b": (1, np.int64(2)), 3: tmp_path, "c": np.arange(2.0)}
    plain = files.plain(value, "it")
    assert plain["a"] == 0.5
    assert plain["b"] == [1, 2]
    assert plain["3"] == str(tmp_path)
    assert files.revive(plain)["c"].tolist() == [0.0, 1.0]
    assert math.isnan(files.revive(files.plain(math.nan, "it")))


def test_what_can_not_be_saved_is_named():
    with pytest.raises(InputError, match=r"settings\['fn'\] holds a function"):
        files.plain({"fn": lambda: None}, "settings")
    with pytest.raises(InputError, match="complex128 can't be saved"):
        files.pack_array(np.zeros(2, complex))


def test_a_file_is_replaced_whole_and_readable_by_others(tmp_path):
    path = files.write(tmp_path / "x.json", "cotlens-thing/1", {"a": 1})
    files.write(path, "cotlens-thing/1", {"a": 2})
    assert files.read(path, "cotlens-thing/1", "thing") == {"format": "cotlens-thing/1", "a": 2}
    plain = tmp_path / "plain"
    plain.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["plain", "x.json"]


def test_what_turned_in_a_file_is_noticed_and_what_was_laid_out_otherwise_is_not(tmp_path):
    path = files.write(tmp_path / "x.json", "cotlens-thing/1", said := {"a": [0.25, 1.5], "b": "é 🍐"})
    whole = path.read_bytes()
    told = {"format": "cotlens-thing/1", **said}
    path.write_text(json.dumps(json.loads(whole), indent=2, ensure_ascii=False), "utf-8")
    assert files.read(path, "cotlens-thing/1", "thing") == told, "another program has written the same"
    path.write_text(json.dumps(told), "utf-8")
    assert files.read(path, "cotlens-thing/1", "thing") == told, "an older version wrote no checksum"
    for at in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            try:
                found = files.read(path, "cotlens-thing/1", "thing")
            except InputError:
                continue
            assert all(found[name] == each for name, each in told.items())
    path.write_bytes(whole.replace(b"0.25", b"0.75"))
    with pytest.raises(InputError, match=r"isn't the thing that was saved.*\"checksum\" out of the file"):
        files.read(path, "cotlens-thing/1", "thing")


def test_what_is_planted_beside_a_file_leads_its_bytes_nowhere(tmp_path):
    other = tmp_path / "other"
    other.write_text("mine")
    for name in (".v.safetensors.part", ".v.safetensors."):
        (tmp_path / name).symlink_to(other)
    files.write_bytes(tmp_path / "v.safetensors", b"new")
    assert (tmp_path / "v.safetensors").read_bytes() == b"new"
    assert other.read_text() == "mine"


@pytest.mark.parametrize("name", ["é" * 200, "x" * 5000 + ".jsonl", "round/study.trace"])
def test_a_path_that_the_system_refuses_is_said(tmp_path, name):
    (tmp_path / "round").symlink_to(tmp_path / "round")
    path, trace = tmp_path / name, cl.Trace.from_text("q", "a thought", "4")
    shown = cl.CoTEditor(None, trace)
    saving = (trace.save, cl.Traces([trace]).save, cl.Traces([trace]).to_jsonl, shown.to_html)
    for act in (*saving, cl.read, cl.Trace.load, cl.Traces.load, cl.load_result, lambda it: cl.load(str(it))):
        with pytest.raises(InputError, match=r"the system refuses this one \("):
            act(path)


def test_a_private_file_stays_private(tmp_path):
    path = files.write_bytes(tmp_path / "x", b"1")
    path.chmod(0o600)
    files.write_bytes(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_in_the_way(tmp_path):
    with pytest.raises(InputError, match="Nothing can be saved"):
        files.write(tmp_path, "cotlens-thing/1", {})
    with pytest.raises(InputError, match="No thing can be read"):
        files.read(tmp_path, "cotlens-thing/1", "thing")


def test_a_planted_link_leads_no_bytes_elsewhere(tmp_path, monkeypatch):
    victim, target = tmp_path / "victim", tmp_path / "saved.json"
    victim.write_text("untouched")
    target.symlink_to(victim)
    files.write_bytes(target, b"mine")
    assert not target.is_symlink() and target.read_bytes() == b"mine" and victim.read_text() == "untouched"
    # Even one who could foresee the name of the file beside it.
    monkeypatch.setattr(files.secrets, "token_hex", lambda size: "foreseen")
    planted = tmp_path / ".saved.json.foreseen.part"
    planted.symlink_to(victim)
    with pytest.raises(InputError, match="Nothing can be saved"):
        files.write_bytes(target, b"more")
    assert victim.read_text() == "untouched" and target.read_bytes() == b"mine"
