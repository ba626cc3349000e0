"""`cl.load(name, backend="vllm", endpoint=...)`: a served model, with the tokenizer that reads and writes its ids."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from cotlens._core import check
from cotlens._core.errors import CapabilityError, CotLensError, InputError
from cotlens.models import addresses, load_errors, model_config, shipped
from cotlens.models.chat_formats.codec import HFCodec
from cotlens.models.chat_formats.format import Format, find
from cotlens.models.endpoint.chat import ChatDialect
from cotlens.models.endpoint.chat_probing import probe_chat
from cotlens.models.endpoint.client import Client
from cotlens.models.endpoint.dialect import Dialect
from cotlens.models.endpoint.model import EndpointModel, Extent
from cotlens.models.endpoint.probing import NoCompletions, probe, shows
from cotlens.models.endpoint.secret import OWN
from cotlens.models.generation.sample_store import open_store
from cotlens.models.model_files import ModelFiles

if TYPE_CHECKING:
    from cotlens.models.chat_formats.templates import GivenFormat
    from cotlens.trace.answers import AnswerReader

_ENDLESS = 10**7  # what tokenizers say that know no length


def open_endpoint(
    name: str | Path | tuple[Any, Any],
    *,
    reader: AnswerReader | None = None,
    revision: str | None = None,
    endpoint: str | None = None,
    tokenizer: Any = None,
    context_length: int | None = None,
    format: GivenFormat = None,
    system: str | None = None,
    template: Mapping[str, Any] | None = None,
    store: str | os.PathLike[str] | bool | None = None,
    together: int = 32,
    timeout: float = 600.0,
    retries: int = 4,
    key: str | None = None,
    dtype: str | None = None,
    engine: Mapping[str, Any] | None = None,
) -> EndpointModel:
    """A model that a vLLM, SGLang or any other OpenAI-compatible server runs, or vLLM in this process.

    Who runs it is asked small questions first, to find out what it can do (see `endpoint.probing`). A key is taken from
    the environment: VLLM_API_KEY for any server reached by https or in a network of one's own, OPENAI_API_KEY for
    OpenAI's alone; key= names another variable, or sends one of these elsewhere.

    A server without completions is asked by chat completions: how it goes on with a begun thought is found out, and
    what it can't do is said in a warning, in `score_path` and in the notes of its traces.

    Args:
        name: what the server calls the model; without a server its Hugging Face id, its folder, or "abacus".
        reader, revision, format, system, template, store: as for the local backend.
        endpoint: the server's address, with /v1: "http://localhost:8000/v1". None starts an engine in this process.
        tokenizer: the model's: a folder, a Hugging Face id or a loaded one; default that of `name`.
        context_length: the most tokens in a sequence; default what the server, else the model's config, says.
        together: requests at once.
        timeout: seconds without a byte after which a request is sent to a server again.
        retries: how often it is.
        key: name of the environment variable that holds the server's key ("OPENAI_API_KEY").
        dtype: of an engine in this process: "float32", "bfloat16", ...; default what vLLM takes for the checkpoint.
        engine: what else such an engine is started with: arguments of `vllm.LLM`.

    Raises:
        InputError: no such model or tokenizer, not the server's tokenizer, or an argument that vLLM doesn't know.
        CapabilityError: vLLM isn't installed, or the server leaves out the tokens that mark the model's thoughts.
        BackendError: no server answers, it refuses the key, or it has no completions; or the engine can't be started.
    """
    check.whole("together", together), check.whole("retries", retries), check.number("timeout", timeout)
    if context_length is not None:
        check.whole("context_length", context_length, 2)
    address = None if endpoint is None else _address(check.text("endpoint", endpoint))
    if address is not None and not (dtype is None and engine is None):
        raise InputError("dtype= and engine= start an engine in this process; a server has what it was started with.")
    if isinstance(name, tuple):
        raise InputError("A loaded pair runs in this process: load it with backend='local', or give the served name.")
    if together < 1 or retries < 0 or timeout <= 0:
        raise InputError(
            f"together={together}, timeout={timeout} and retries={retries}: give 1, above 0 and 0 at least."
        )
    served, source = str(name), str(name) if tokenizer is None else tokenizer
    loaded = _tokenizer(source, revision) if isinstance(source, str | os.PathLike) else source
    files = _files(source if isinstance(source, str | os.PathLike) else "", revision)
    if address is None:
        from cotlens.models.embedded.opening import open_embedded

        return open_embedded(
            served, loaded, files, reader=reader or _reader(served), revision=revision, context_length=context_length,
            format=format, system=system, template=template, store=store, together=together, dtype=dtype,
            engine=engine or {},
        )  # fmt: skip
    form = find(
        HFCodec(loaded), model_config.eos(files, loaded), format, model=served, system=system, template=template
    )
    client = Client(address, together, timeout, retries, key)
    entries = client.listed()
    dialect, fingerprint = _probed(client, served, form)
    _check_markers(client, dialect, form, served)
    entry = next((one for one in entries if one.get("id") == served), {})
    told = entry.get("max_model_len") or _of_llama_cpp(entry).get("n_ctx")
    known = [address, served, *(str(entry.get(name)) for name in ("root", "parent", "owned_by")), fingerprint]
    vocabulary = max(len(loaded), int(getattr(files.config, "vocab_size", 0) or 0))
    layers = int(getattr(files.config, "num_hidden_layers", 0) or 0)
    for limit in dialect.limits():
        warnings.warn(f"{served!r} at {address}: {limit}.", stacklevel=3)
    return EndpointModel(
        client,
        dialect,
        form,
        Extent(vocabulary, _context(context_length, told, files.config, loaded), layers),
        name=served,
        revision=revision or fingerprint,
        known=f"declared {json.dumps(known)}",
        defaults=model_config.sampling_defaults(files),
        reader=reader or _reader(served),
        store=open_store(store),
    )


def _probed(client: Client, served: str, form: Format) -> tuple[Dialect, str]:
    """How the server is spoken to, by text where it takes text, else by messages; and a fingerprint of what it says."""
    stops = sorted(form.stop_ids)
    try:
        return probe(client, served, form.codec, stops)
    except NoCompletions as absent:
        try:
            return probe_chat(client, served, form, stops)
        except NoCompletions:
            raise absent from None


def _address(given: str) -> str:
    """The endpoint without a slash at its end.

    Raises:
        InputError: it isn't one, or it holds a password, which is not repeated.
    """
    addresses.checked(given, "endpoint", "http://localhost:8000/v1", OWN)
    return given.rstrip("/")


def _tokenizer(source: str | os.PathLike[str], revision: str | None) -> Any:
    """Raises InputError where there is none by that name, or it is gated."""
    text = str(source)
    if text in shipped.names():
        return shipped.load_pair(text)[1]
    try:
        return ModelFiles.of(text, revision).tokenizer()
    except CotLensError:
        raise
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        found = load_errors.refusal(text, error, shipped.names())
        if not isinstance(found, InputError):  # gated, for instance
            raise found from error
        raise InputError(
            f"No tokenizer could be had for {text!r}; give tokenizer= as a folder, a Hugging Face id that you may "
            "read, or a loaded tokenizer."
        ) from error


def _files(source: str | os.PathLike[str], revision: str | None) -> Any:
    """What the files beside the tokenizer say of the model: `config` and `generation_config`, None where missing."""
    from transformers import AutoConfig, GenerationConfig

    if str(source) in shipped.names():
        hf = shipped.load_pair(str(source))[0]
        return SimpleNamespace(config=hf.config, generation_config=hf.generation_config)
    found: dict[str, Any] = {"config": None, "generation_config": None}
    files = ModelFiles.of(str(source), revision) if source else None
    for kind, loader in (("config", AutoConfig), ("generation_config", GenerationConfig)):
        try:
            found[kind] = None if files is None else loader.from_pretrained(files.where, **files.more)
        except (OSError, ValueError, KeyError):
            continue
    return SimpleNamespace(**found)


def _check_markers(client: Client, dialect: Dialect, form: Format, name: str) -> None:
    """Raise CapabilityError where the thought's markers are tokens that a server of text leaves out."""
    if dialect.tells_ids or form.plain or isinstance(dialect, ChatDialect):
        return
    known = getattr(form.codec.tokenizer, "added_tokens_decoder", {})
    for marker in (form.family.open, form.family.close):
        special = [token for token in form.codec.encode_template(marker) if token in known and known[token].special]
        if special and not shows(client, dialect, special[0], marker):
            raise CapabilityError(
                f"The server gives text without special tokens, and {marker!r}, which marks the thoughts of {name!r}, "
                "is one, so thoughts and answers can't be told apart; use a server that returns token ids (vLLM, "
                "llama.cpp)."
            )


def _of_llama_cpp(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What llama.cpp tells of a model that it lists: "n_ctx" is what one request of several at once may hold."""
    meta = entry.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def _context(given: int | None, told: Any, config: Any, tokenizer: Any) -> int:
    """The most tokens in a sequence; InputError where nobody says."""
    mine = getattr(tokenizer, "model_max_length", None)
    for length in (given, told, getattr(config, "max_position_embeddings", None), mine):
        if length is not None and 1 < int(length) < _ENDLESS:
            return int(length)
    raise InputError(
        "Neither the server nor the tokenizer says how long a text may be; give context_length= in tokens."
    )


def _reader(name: str) -> AnswerReader | None:
    from cotlens.trace import Number

    return Number() if name in shipped.names() else None
