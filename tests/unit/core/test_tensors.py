"""Files of safetensors: what turned in them is noticed, and those of others are read."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save

import cotlens as cl
from cotlens._core.errors import InputError
from cotlens._core.tensors import CHECKSUM, check_seal, read_about, sealed, write_about
from cotlens.measure.features.autoencoder.config import Config
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import SPARSITY, WEIGHTS_FILE, load_sae, save_sae
from cotlens.measure.steering.vector import Vector
from cotlens.results import Provenance

VALUES = np.linspace(-1, 1, 5).astype(np.float32)


def test_every_bit_that_turns_is_noticed_or_changes_nothing(tmp_path):
    path = tmp_path / "x"
    write_about(path, "thing", told := {"a": 1}, {"v": VALUES, "w": VALUES[:2]})
    whole = path.read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            try:
                about, tensors = read_about(path, "thing", "go")
            except InputError:
                continue
            assert about == told and tensors["v"].tobytes() == VALUES.tobytes()
            assert tensors["w"].tobytes() == VALUES[:2].tobytes()


def test_a_header_that_is_laid_out_otherwise_is_the_same_and_one_without_a_checksum_is_read(tmp_path):
    path, body = tmp_path / "x", save({"v": VALUES}, {"cotlens": "{}"})
    path.write_bytes(body)
    assert read_about(path, "thing", "go")[0] == {}
    whole = sealed(body)
    long = int.from_bytes(whole[:8], "little")
    header = json.dumps(dict(reversed(json.loads(whole[8 : 8 + long]).items())), indent=1).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(len(header).to_bytes(8, "little") + header + whole[8 + long :])
    check_seal(path, "thing")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match="isn't the thing that was saved"):
        check_seal(path, "thing")


def test_vectors_lenses_and_saes_are_written_with_a_checksum(tmp_path):
    Vector("v", 2, VALUES, 1.0, Provenance("given")).save(tmp_path / "v")
    each = np.zeros(2, np.float32)
    cl.lenses.TunedLens(
        layers=(1, 2), matrices=np.zeros((2, 5, 5), np.float32), offsets=np.zeros((2, 5), np.float32),
        provenance=Provenance("given"), kl=each, logit_kl=each, ridge_kl=each, control_kl=each,
    ).save(tmp_path / "l")  # fmt: skip
    weights = {"W_enc": torch.ones(5, 8), "W_dec": torch.ones(8, 5), "b_enc": torch.ones(8), "b_dec": torch.ones(5)}
    one = SAE(Config("standard", 5, 8, "mlp_out.3"), weights, np.zeros(8, np.float32))
    for dtype in ("float32", "float16"):
        load_sae(save_sae(one, tmp_path / dtype, dtype))
    written = [(cl.steering.load_vector, "v", "v"), (cl.lenses.load_lens, "l", "l")]
    written += [(load_sae, one, f"{one}/{file}") for one in ("float32", "float16") for file in (WEIGHTS_FILE, SPARSITY)]
    for load, at, file in written:
        path = tmp_path / file
        with safe_open(path, "np") as opened:
            assert len(opened.metadata()[CHECKSUM]) == 32
        load(tmp_path / at)
        whole = path.read_bytes()
        path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        with pytest.raises(InputError, match="its checksum says"):
            load(tmp_path / at)
        path.write_bytes(whole)
