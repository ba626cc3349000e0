"""Models that can't be had, against a server on this machine that answers as the Hub does: one sentence each."""

import http.server
import sys
import threading

import pytest
import torch
from huggingface_hub import constants

from cotlens._core.errors import BackendError, CapabilityError, InputError
from cotlens.models.load import load
from tests.model import tiny

ANSWERS = {"gated": (401, "GatedRepo"), "private": (404, "RepoNotFound"), "old": (404, "RevisionNotFound")}


class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = [answer for name, answer in ANSWERS.items() if f"/some/{name}" in self.path]
        code, word = known[0] if known else (500, "")
        self.send_response(code)
        self.send_header("X-Error-Code", word)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The address of a Hub; without waits between tries."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_gated_model_says_where_to_ask(hub, dry_run):
    with pytest.raises(
        BackendError, match=r"'some/gated' is gated: ask for access at http://.*/some/gated, then log in"
    ):
        load("some/gated", dry_run=dry_run)


@pytest.mark.parametrize(
    ("name", "why"),
    [("some/private", "private and you are not logged in"), ("some/old", "no such revision"), ("some/x", "be reached")],
)
def test_a_model_that_is_not_to_be_had(hub, name, why):
    with pytest.raises(InputError, match=f"no model '{name}' here, and it could not be had from Hugging Face .*{why}"):
        load(name)


def test_no_network(hub):
    hub.shutdown()
    hub.server_close()
    with pytest.raises(InputError, match="can't be reached; connect, or give a folder that holds the model"):
        load("some/model")


def test_offline():
    with pytest.raises(InputError, match="HF_HUB_OFFLINE is set"):
        load("someone/unheard-of")


@pytest.mark.parametrize(
    ("package", "options", "message"),
    [
        ("accelerate", {"device_map": "auto"}, r"device_map= needs accelerate, .* pip install 'cotlens\[gpu\]'"),
        ("bitsandbytes", {"quantization": "4bit"}, "quantization='4bit' needs bitsandbytes"),
    ],
)
def test_a_missing_package(monkeypatch, package, options, message):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CapabilityError, match=message):
        load("some/model", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device_map": "auto", "device": "cpu"}, "both say where"),
        ({"device_map": "autom"}, "Did you mean 'auto'"),
        ({"max_memory": {0: "1GiB"}}, "with device_map='auto'"),
        ({"quantization": "3bit"}, "choose '8bit' or '4bit'"),
        ({"device": "gpuu"}, "not known to torch"),
    ],
)
def test_options_that_can_not_be(options, message):
    with pytest.raises(InputError, match=message):
        load("some/model", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device_map": "auto"}, "A loaded pair stays as it is"),
        ({"quantization": "8bit"}, "A loaded pair stays as it is"),
        ({"format": "thinky"}, "no format called 'thinky'"),
        ({"format": ("<a>", "<a>")}, "can't both begin and end"),
        ({"format": ("<a>", "")}, "can't mark a thought"),
        ({"format": ("<a>", "</a>", "<b>")}, "give a name"),
        ({"format": 7}, "give a name"),
        ({"system": 7}, "not a text"),
        ({"template": "effort"}, "not a dict"),
    ],
)
def test_options_that_a_pair_does_not_take(options, message):
    with pytest.raises(InputError, match=message):
        load(tiny.pair("qwen3"), **options)


class Processor:
    """As those that also take images."""

    tokenizer = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda hf, tokenizer: (hf,), "1 things were given"),
        (lambda hf, tokenizer: (tokenizer, hf), "is no language model of transformers"),
        (lambda hf, tokenizer: (hf.model, tokenizer), "Qwen3Model is no language model"),
        (lambda hf, tokenizer: (torch.nn.DataParallel(hf), tokenizer), "DataParallel is no language model"),
        (lambda hf, tokenizer: (hf, "some/model"), "str is no tokenizer of transformers; give what AutoTokenizer"),
        (lambda hf, tokenizer: (hf, Processor()), "Processor is no tokenizer of transformers; give its .tokenizer"),
    ],
)
def test_a_pair_that_is_none(change, message):
    with pytest.raises(InputError, match=message):
        load(change(*tiny.pair("qwen3")))


def test_a_system_prompt_needs_a_chat_template():
    with pytest.raises(InputError, match="no chat template"):
        load(tiny.pair("gpt2"), system="Think.")


def test_a_shipped_model_is_not_spread():
    with pytest.raises(InputError, match="takes a few MB"):
        load("abacus", quantization="4bit")


@pytest.mark.parametrize("dry_run", [False, True])
def test_code_of_a_models_own_is_not_run(tmp_path, dry_run):
    (tmp_path / "config.json").write_text('{"model_type": "odd", "auto_map": {"AutoConfig": "odd.OddConfig"}}')
    (tmp_path / "odd.py").write_text("raise SystemExit('this code was run')")
    with pytest.raises(BackendError, match="brings code of its own"):
        load(tmp_path, dry_run=dry_run)


def test_a_model_whose_own_code_fails_says_so_in_a_sentence():
    from transformers import xLSTMConfig

    tokenizer = tiny.tokenizer()
    sizes = {"hidden_size": 96, "num_heads": 3, "num_hidden_layers": 2}  # heads that are no whole share of the width
    config = xLSTMConfig(
        vocab_size=len(tokenizer), bos_token_id=None, eos_token_id=None, pad_token_id=0, **sizes
    )  # fmt: skip
    model = load((tiny.random_model(config), tokenizer), store=False)
    for ask in (
        lambda: model.reason("12 + 7?", max_new_tokens=3),
        lambda: model.reason("12 + 7?", n=2, max_new_tokens=3),
        lambda: model.annotate(model.compose("12 + 7?", "That is 19.", "19")),
    ):
        with pytest.raises(BackendError, match=r"^The model's own code failed in a pass .* \(ValueError: .*\); .*\.$"):
            ask()
    config = xLSTMConfig(
        vocab_size=len(tokenizer), bos_token_id=None, eos_token_id=None, pad_token_id=0, mode="train",
        **{**sizes, "num_heads": 2},
    )  # fmt: skip
    with pytest.raises(BackendError, match="is not divisible by chunk size"):
        load((tiny.random_model(config), tokenizer), store=False)


def test_weights_without_a_tokenizer(tmp_path):
    """transformers makes an empty tokenizer of them, to which every prompt is nothing."""
    hf, _ = tiny.pair("gpt2")
    hf.save_pretrained(tmp_path)
    with pytest.raises(BackendError, match="has no tokenizer"):
        load(str(tmp_path))
