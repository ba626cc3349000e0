"""Coconut's and CODI's checkpoints, opened from the files that their own code writes."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import cotlens as cl
from cotlens._core.errors import BackendError, CapabilityError, InputError
from tests.model import latent_checkpoints as made
from tests.model.local.test_latents import refused

CLOSE = {"rtol": 2e-3, "atol": 2e-3}
CODI = cl.LatentCheckpoint("codi", latents=made.LATENTS, alpha=made.ALPHA)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {name: tmp_path_factory.mktemp(name) for name in ("coconut", "codi")}
    made.write_coconut(found["coconut"])
    made.write_codi(found["codi"])
    return found


@pytest.fixture(scope="module")
def models(folders):
    return {
        "coconut": cl.load(folders["coconut"], latent="coconut"),
        "codi": cl.load(folders["codi"], latent=CODI),
    }


@pytest.mark.parametrize("name", ["coconut", "codi"])
def test_a_loaded_checkpoint_thinks_and_answers_as_its_makers_loop(name, models):
    """Questions of several lengths side by side: neither padding nor the company matters (CODI's own code has both)."""
    model, (hf, _, question, losses, *more) = models[name], getattr(made, name)()
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4]), "it was trained"
    project = more[0] if more else nn.Identity()
    traces = model.reason(list(made.QUESTIONS), max_new_tokens=5, temperature=0)
    for text, trace in zip(made.QUESTIONS, traces, strict=True):
        begin = int(trace.latent_tokens[0])
        assert list(trace.token_ids[:begin]) == question(text)
        assert trace.prompt == text and len(trace.latents) == made.LATENTS
        with torch.no_grad():
            latents, inputs = made.loop(hf, question(text), made.LATENTS, project)
            closing = list(model.latent_format.closing)
            ids = closing
            for _ in range(5):
                whole = torch.cat([inputs, hf.get_input_embeddings()(torch.tensor([ids]))], 1)
                ids = [*ids, int(hf(inputs_embeds=whole).logits[0, -1].argmax())]
        np.testing.assert_allclose(trace.latents, latents.numpy(), **CLOSE)
        written = list(trace.token_ids[begin + made.LATENTS :])
        assert written == ids[: len(written)] and len(written) > len(closing)
        assert trace.roles["thought"].end - trace.roles["thought"].start == made.LATENTS
        assert trace.meta["thought_closed"]


def test_latents_have_passed_the_norm_once(models):
    """What the head reads of a latent is what the model predicts there; another norm would be another vector."""
    model = models["coconut"]
    trace = model.reason(made.QUESTIONS[0], max_new_tokens=1)
    hf = model.engine.hf
    told = model.decode_latents(trace.latents, k=4)
    with torch.no_grad():
        logits = torch.log_softmax(hf.lm_head(torch.tensor(trace.latents)), -1)
        twice = hf.transformer.ln_f(torch.tensor(trace.latents)).numpy()
    np.testing.assert_array_equal(told.top_ids[:, 0], logits.argmax(-1))
    assert np.abs(twice - trace.latents).max() > 0.05
    first = int(trace.latent_tokens[0])
    before = model.annotate(trace).top_ids[first]
    np.testing.assert_array_equal(before[:4], told.top_ids[0])


@pytest.mark.parametrize(
    ("name", "settings", "counts"),
    [
        ("checkpoint_3", {}, (0,)),
        ("checkpoint_7", {}, (4,)),
        ("checkpoint_40", {}, (6,)),
        ("checkpoint_7", {"pad_latent_to_max": False}, (0, 2, 4)),
        ("checkpoint_7", {"c_thought": 1}, (2,)),
    ],
)
def test_how_many_latents_depends_on_how_far_training_went(name, settings, counts, folders):
    from cotlens.models.local.latents.checkpoints import coconut

    assert coconut.counts(folders["coconut"] / name, {**made.SETTINGS, **settings}) == counts
    assert coconut.counts(folders["coconut"] / name, {}) == ()


def test_a_number_that_it_wasnt_trained_with_is_refused(models, folders, tmp_path):
    refused("trained with", lambda: models["coconut"].reason("Say pears", latents=6))
    free = cl.load(folders["coconut"], latent=cl.LatentCheckpoint("coconut", latents=2))
    assert len(free.reason("Say pears", max_new_tokens=1).latents) == 2
    made.write_coconut(tmp_path)
    (tmp_path / "gsm_coconut.yaml").unlink()
    silent = cl.load(tmp_path, latent="coconut")
    refused("how many latents", lambda: silent.reason("Say pears"))
    assert len(silent.reason("Say pears", latents=3, max_new_tokens=1).latents) == 3


def test_an_end_token_after_questions_and_latents(folders):
    """CODI without `remove_eos`."""
    model = cl.load(folders["codi"], latent=cl.LatentCheckpoint("codi", latents=2, alpha=made.ALPHA, ends=True))
    trace = model.reason("Say pears", max_new_tokens=2)
    end, first = model.codec.tokenizer.eos_token_id, int(trace.latent_tokens[0])
    assert trace.token_ids[first - 2] == end and trace.token_ids[first + 3] == end


def test_checkpoints_that_dont_fit_are_refused_in_a_sentence(folders, tmp_path):
    def broken(change, name="checkpoint_7"):
        made.write_coconut(tmp_path, name)
        state = torch.load(tmp_path / name, weights_only=True)  # noqa: TID251
        torch.save(change(state), tmp_path / name)
        return lambda: cl.load(tmp_path, latent="coconut")

    table = "base_causallm.transformer.wte.weight"
    refused("special tokens", broken(lambda s: {**s, table: s[table][:-3]}))
    refused("wide", broken(lambda s: {**s, table: s[table][:, :16]}))
    refused("leaves out 1 tensors", broken(lambda s: {k: v for k, v in s.items() if not k.endswith("ln_f.weight")}))
    refused("has no place for", broken(lambda s: {**s, "base_causallm.transformer.more": s[table]}))
    for kind in (torch.int8, torch.complex64):
        refused("no floating-point", broken(lambda s, to=kind: {**s, table: s[table].to(to)}))
    refused("no coconut checkpoint", broken(lambda s: {k.removeprefix("base_causallm."): v for k, v in s.items()}))
    refused("no codi checkpoint", lambda: cl.load(folders["coconut"], latent="codi"))
    refused("more than tensors", broken(lambda s: {**s, "x": cl.LatentCheckpoint("codi")}), BackendError)
    refused("no dict of tensors", broken(lambda s: [1, 2]), BackendError)
    made.write_coconut(tmp_path)
    made.narrowed(tmp_path, 16)
    refused("wide", lambda: cl.load(tmp_path, latent="coconut"))
    refused("no file", lambda: cl.load(folders["codi"], latent=cl.LatentCheckpoint("codi", file=tmp_path / "none")))


TABLE = "base_causallm.transformer.wte.weight"
HEAD = "base_causallm.lm_head.weight"


def changed(tmp_path, change, family):
    """A call that opens a checkpoint of which something was changed."""
    getattr(made, f"write_{family}")(tmp_path)
    path = tmp_path / {"coconut": "checkpoint_7", "codi": "model.safetensors"}[family]
    if family == "coconut":
        torch.save(change(torch.load(path, weights_only=True)), path)  # noqa: TID251
    else:
        save_file({name: part.contiguous() for name, part in change(load_file(path)).items()}, path)
    return lambda: cl.load(tmp_path, latent={"coconut": "coconut", "codi": CODI}[family])


@pytest.mark.parametrize(
    ("family", "said", "change"),
    [
        ("coconut", "NaN or infinite", lambda s: {**s, TABLE: s[TABLE].index_fill(0, torch.tensor([3]), torch.nan)}),
        ("coconut", "are two tables", lambda s: {**s, HEAD: s[HEAD] + 1}),
        ("codi", "leaves out ln.weight", lambda s: {k: part for k, part in s.items() if k != "prj.ln.weight"}),
        ("codi", "which none of CODI's has", lambda s: {**s, "prj.5.weight": s["prj.3.weight"].clone()}),
        ("codi", "don't fit one another", lambda s: {**s, "prj.3.weight": s["prj.3.weight"][:16]}),
        ("codi", "don't fit one another", lambda s: {**s, "prj.ln.weight": s["prj.ln.weight"][:16]}),
        (
            "codi",
            "gives vectors of width 16",
            lambda s: {**s, **{k: s[k][:16] for k in ("prj.3.weight", "prj.3.bias", "prj.ln.weight", "prj.ln.bias")}},
        ),
        ("codi", "adapter of", lambda s: {k: part[:, :5] if "lora_A" in k else part for k, part in s.items()}),
        ("codi", "adapter of", lambda s: {k: part.flatten() if "lora_A" in k else part for k, part in s.items()}),
    ],
)
def test_what_would_think_something_else_is_refused(family, said, change, tmp_path):
    refused(said, changed(tmp_path, change, family))


@pytest.mark.parametrize("lines", ["c_thought: -2", "c_thought: two", "c_thought: 2.5", "max_latent_stage: null"])
def test_settings_that_are_no_numbers_are_refused(lines, tmp_path):
    made.write_coconut(tmp_path)
    (tmp_path / "gsm_coconut.yaml").write_text("c_thought: 2\nmax_latent_stage: 3\nepochs_per_stage: 3\n" + lines)
    refused("settings beside the checkpoint", lambda: cl.load(tmp_path, latent="coconut"))


def test_a_checkpoint_in_several_files_is_one(models, folders, tmp_path):
    made.write_codi(tmp_path)
    whole = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    for half in (0, 1):
        part = {name: whole[name] for name in sorted(whole)[half::2]}
        save_file(part, tmp_path / f"model-0000{half + 1}-of-00002.safetensors")
    traces = [one.reason("Say pears", max_new_tokens=2) for one in (models["codi"], cl.load(tmp_path, latent=CODI))]
    np.testing.assert_array_equal(traces[0].latents, traces[1].latents)
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    refused("2 files, of which 1 are", lambda: cl.load(tmp_path, latent=CODI))


def test_what_latent_can_be():
    refused("latent= opens", lambda: cl.load("abacus", latent="coconut"))
    refused("'coconut'", lambda: cl.LatentCheckpoint("coconuts"))
    refused("latents", lambda: cl.LatentCheckpoint("codi", latents=-1))
    for backend in ("ndif", "vllm"):
        refused(
            "can't think in latents",
            lambda backend=backend: cl.load("x/y", backend=backend, latent="codi"),
            CapabilityError,
        )
    with pytest.raises(InputError):
        cl.load("./none", latent=3)


@pytest.mark.parametrize("name", ["coconut", "codi"])
def test_a_thought_that_stops_early_ends_in_its_marker(name, models):
    model = models[name]
    trace = model.reason(made.QUESTIONS[0], max_new_tokens=3, temperature=0)
    early = trace.truncate(trace.spans("sentence")[2])
    for closed in (False, True):
        stopped = model.resume(early, close_thought=closed, max_new_tokens=3, temperature=0)
        behind = stopped.token_ids[len(early.token_ids) :]
        assert behind[: len(model.latent_format.closing)] == tuple(model.latent_format.closing)
        assert len(stopped.latents) == 2 and stopped.meta["thought_closed"] and "notes" not in stopped.meta
