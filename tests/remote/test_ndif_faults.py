"""What goes wrong on the way to a server: asked again where that helps, else said in one sentence with the remedy."""

import traceback

import numpy as np
import pytest

import cotlens as cl
from cotlens._core.control import Control, using
from cotlens._core.errors import BackendError, Cancelled, CapabilityError, InputError, OutOfMemory
from cotlens.models.contract import Branch, Start
from cotlens.models.ndif.model import model_key
from tests.remote.loopback import KEY

PROMPT = "Mia has 12 pears."
QUESTION = [Branch(4, (7, 8, 9))]
TRUNK = (5, 6, 7, 8, 9)


@pytest.fixture(scope="module")
def model(running):
    """A model that doesn't wait long before it asks again."""
    found = running.model("qwen3", score="packed")
    found.remote.wire.waits, found.remote.wire.poll = (0.01, 0.02), 0.05
    return found


@pytest.fixture(scope="module")
def right(model):
    return model.score(TRUNK, QUESTION)[0].logprobs


def asked(model, loopback, *faults):
    """What a question gives under faults, and how many jobs that took."""
    loopback.set(faults=list(faults))
    before = loopback.seen()["posts"]
    return model.score(TRUNK, QUESTION)[0].logprobs, loopback.seen()["posts"] - before


@pytest.mark.parametrize("fault", ["cut", "cut late", "truncated", "500", "503", "expired url"])
def test_a_lost_job_is_asked_again(model, right, loopback, fault):
    found, posts = asked(model, loopback, fault)
    np.testing.assert_array_equal(found, right)
    assert posts == 2


@pytest.mark.parametrize("fault", ["", "url", "requeued", "slow"])
def test_a_job_may_take_its_way(model, right, loopback, fault):
    found, posts = asked(model, loopback, fault)
    np.testing.assert_array_equal(found, right)
    assert posts == 1


def test_asking_in_vain_ends(model, loopback):
    with pytest.raises(BackendError, match=r"connection to 127.0.0.1:\d+ was cut, 3 times in a row; what was finished"):
        asked(model, loopback, "cut", "cut", "cut")


def test_without_websockets_the_server_is_asked_for_the_status(model, right, loopback):
    loopback.set(sockets=False)
    try:
        for faults, posts in (((), 1), (("expired",), 2), (("slow",), 1), (("expired url",), 2)):
            found, count = asked(model, loopback, *faults)
            np.testing.assert_array_equal(found, right)
            assert count == posts, faults
        with pytest.raises(BackendError, match="something broke in there"):
            asked(model, loopback, "error")
    finally:
        model.remote.wire._sockets = True


SENTENCES = {
    "error": (BackendError, r"The job failed on .*: RuntimeError: something broke in there"),
    "oom": (OutOfMemory, r"did not fit into the memory that .* has .* use a shorter trace"),
    "timeout": (BackendError, r"took longer than .* allows .* ask for fewer tokens"),
    "says Traceback:\nRuntimeError: One of them appears to not have been used in the graph": (
        CapabilityError,
        r"runs blocks apart from the model, where gradients don't reach; use a server that trusts you, or backend=",
    ),
    "says This model's architecture doesn't match: Module:model.x": (
        BackendError,
        r"is built of other modules than here .* install the version of transformers that the server has",
    ),
    "old": (BackendError, r"doesn't take jobs of this version of nnsight \(.*0\.9\.0\)"),
    "unknown": (BackendError, r"did not run the job \(Error starting the model: it is not here\)"),
}


@pytest.mark.parametrize("fault", SENTENCES)
def test_what_asking_again_would_not_help_is_said_at_once(model, loopback, fault):
    kind, sentence = SENTENCES[fault]
    before = loopback.seen()["posts"]
    with pytest.raises(kind, match=sentence) as caught:
        asked(model, loopback, fault)
    assert loopback.seen()["posts"] == before + 1
    assert "\n" not in str(caught.value)


def test_what_may_pass_is_tried_again(model, right, loopback):
    found, posts = asked(model, loopback, "says Critical server error occurred. Please try again later.")
    np.testing.assert_array_equal(found, right)
    assert posts == 2


def test_a_model_that_is_not_up(running, loopback):
    model = running.model("qwen3", name="tiny/qwen", score="packed")
    with pytest.raises(InputError, match=r"does not run 'tiny/qwen'. It has tiny/abacus, tiny/gemma3, tiny/qwen3\."):
        model.score(TRUNK, QUESTION)


def test_half_of_the_branches_where_the_memory_of_the_server_runs_out(model, loopback):
    branches = [Branch(p, (7, 8, 9)) for p in (2, 3, 4)]
    theirs = model.score(TRUNK, branches)
    loopback.set(faults=["oom"])
    for mine, other in zip(model.score(TRUNK, branches), theirs, strict=True):
        np.testing.assert_allclose(mine.logprobs, other.logprobs, atol=1e-5)


def test_what_a_job_does_is_shown(model, loopback):
    told = []
    loopback.set(faults=["slow"])
    with using(Control(lambda done, total, label: told.append(label))):
        model.score(TRUNK, QUESTION)
    assert [label.split(": ", 1)[-1] for label in told if ": " in label] == [
        "received Received",
        "queued Added to Queue at position 2",
        "deploying Loading the model",
        "running Your job has started running",
    ]


def test_what_the_first_job_has_to_expect_is_shown_on_loading(running, loopback):
    known, told = loopback.seen()["deployments"], []
    with using(Control(lambda done, total, label: told.append(label))):
        running.model("qwen3")
        cold = {"tiny/qwen3": {**known["tiny/qwen3"], "application_state": "DEPLOYING"}}
        for deployments in (cold, {}):
            loopback.set(deployments=deployments)
            running.model("qwen3")
    loopback.set(deployments=known)
    outlooks = [label.partition(" is ")[2] for label in told if "tiny/qwen3 is " in label]
    assert outlooks[0] == "up"
    assert outlooks[1] == "deploying, so the first job waits for it"
    assert outlooks[2].startswith("not up yet, so the first job may wait")


def test_a_model_that_the_server_does_not_list_is_asked_for_all_the_same(running, loopback):
    known = loopback.seen()["deployments"]
    loopback.set(deployments={})
    model = running.model("qwen3", score="packed")
    loopback.set(deployments=known)
    assert model.dtype == "unknown"
    assert len(model.score(TRUNK, QUESTION)) == 1
    assert model.dtype == "float32"


def test_another_tokenizer_than_the_one_of_the_server(running, loopback, tmp_path):
    from tests.model import tiny

    tiny.pair("qwen3")[0].config.save_pretrained(tmp_path)
    tiny.tokenizer(markers=("<reason>", "</reason>")).save_pretrained(tmp_path)
    model = running.model("qwen3", files=tmp_path, format="plain")
    with pytest.raises(BackendError, match=r"Token \d+ is '.*' in the tokenizer here and '.*' in that of"):
        model.score(TRUNK, QUESTION)


def test_cancelling_means_not_to_wait(model, loopback):
    loopback.set(faults=["slow"], pause=3600.0)

    def told(done, total, label):
        if "Loading the model" in label:
            mine.cancel()

    mine = Control(told)
    with using(mine), pytest.raises(Cancelled, match=r"nobody waits for the job .* can't be stopped there"):
        model.score(TRUNK, QUESTION)


def test_what_was_written_before_a_cancel_is_kept(model, loopback):
    whole = model.reason(PROMPT, max_new_tokens=60, seed=3)
    control = Control()

    def heard(at, text):
        if at > whole.meta["begin"] + 5:
            control.cancel()

    with using(control), pytest.raises(Cancelled) as caught:
        model.reason(PROMPT, max_new_tokens=60, seed=3, on_token=heard)
    part = caught.value.partial
    assert len(whole.token_ids) > len(part.token_ids) > whole.meta["begin"] + 5
    assert part.token_ids == whole.token_ids[: len(part.token_ids)]
    assert part.meta["finish"] == "cancelled"


def test_text_is_told_once_though_its_job_was_lost(model, loopback):
    told = []
    loopback.set(faults=["cut late"])
    trace = model.reason(PROMPT, max_new_tokens=12, seed=3, on_token=lambda at, text: told.append(at))
    assert told == list(range(trace.meta["begin"], len(trace.token_ids)))


def test_a_sweep_goes_on_where_it_was(running, loopback, tmp_path):
    model = running.model("qwen3", store=tmp_path / "store.sqlite", score="packed")
    model.remote.wire.waits = ()
    trace = model.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19.")
    starts = [Start(trace, at, range(2)) for at in (22, 24, 26)]
    model.read(trace, "embed", positions=[0])
    loopback.set(faults=["", "", "error"])
    with pytest.raises(BackendError) as caught:
        model.rollouts(starts, max_new_tokens=6)
    assert [len(row) for row in caught.value.partial] == [2, 2, 0]
    before = loopback.seen()["posts"]
    found = model.rollouts(starts, max_new_tokens=6)
    assert loopback.seen()["posts"] == before + 1
    assert [[one.meta["stored"] for one in row] for row in found] == [[True] * 2, [True] * 2, [False] * 2]


def test_the_key_is_seen_by_the_server_alone(model, loopback, tmp_path, capfd, caplog):
    caplog.set_level("DEBUG")
    loopback.set(wants=KEY)
    trace = model.reason(PROMPT, max_new_tokens=4)
    result = cl.importance.EarlyAnswer(target="19", unit="sentence").run(
        model.compose(PROMPT, "First I add 12 and 7. It is 19.", "The answer is 19."), model
    )
    assert loopback.seen()["keys"][-1] == KEY
    trace.save(tmp_path / "trace.json")
    result.save(tmp_path / "result.json")
    loopback.set(wants="another")
    with pytest.raises(BackendError, match=r"doesn't know the API key .*NDIF_API_KEY") as caught:
        model.score(TRUNK, QUESTION)
    loopback.set(faults=["error"], wants=None)
    with pytest.raises(BackendError) as other:
        model.score(TRUNK, QUESTION)
    texts = [repr(model), repr(model.remote.wire.service), caplog.text, *capfd.readouterr()]
    texts += [str(vars(part)) for part in (model, model.remote, model.remote.wire, model.remote.wire.service)]
    texts += ["".join(traceback.format_exception(error.value)) for error in (caught, other)]
    texts += [path.read_text() for path in tmp_path.iterdir()] + [str(result.provenance), str(trace.meta)]
    assert not any(KEY in text for text in texts)


def test_a_server_that_wants_a_key(model, loopback, monkeypatch):
    monkeypatch.delenv("NDIF_API_KEY")
    loopback.set(wants=KEY)
    with pytest.raises(BackendError, match=r"wants an API key .*set the environment variable NDIF_API_KEY"):
        model.score(TRUNK, QUESTION)


def test_a_stored_key_goes_only_to_its_host(loopback, monkeypatch):
    from nnsight.schema.config import CONFIG

    from cotlens.models.ndif.service import Service

    monkeypatch.delenv("NDIF_API_KEY")
    monkeypatch.setattr(CONFIG.API, "APIKEY", "stored")
    assert Service(loopback.host).headers() == {}
    assert Service(CONFIG.API.HOST).headers() == {"ndif-api-key": "stored"}


def test_what_can_not_be_opened(running, loopback):
    def load(name="tiny/qwen3", host=loopback.host, files=running.folders["qwen3"], **more):
        return cl.load(name, backend="ndif", host=host, files=files, **more)

    with pytest.raises(InputError, match="is not an address; give one such as"):
        load(host="api.ndif.us")
    for host in (f"http://user:{KEY}@127.0.0.1:9", f"https://{KEY}@ndif.example.org", f"https://u:{KEY}@[::"):
        with pytest.raises(InputError, match="NDIF_API_KEY") as caught:
            load(host=host)
        assert KEY not in str(caught.value)
    with pytest.raises(InputError, match="public network in the open"):
        load(host="http://ndif.example.org")
    with pytest.raises(BackendError, match=r"127.0.0.1:9 can't be reached .* check the network, and the address"):
        load(host="http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"'qwen' is none.*files="):
        load("qwen")
    with pytest.raises(InputError, match="There is no folder"):
        load(files="nowhere")
    with pytest.raises(InputError, match="A loaded pair runs in this process"):
        load((None, None))
    with pytest.raises(InputError, match="score='fast' is not known"):
        load(score="fast")
    with pytest.raises(InputError, match=r"no option 'hosts' .*'host'"):
        load(hosts="x")
    with pytest.raises(InputError, match="could not be had from Hugging Face"):
        load(files=None)


def test_another_version_of_nnsight(running, loopback):
    packages = {"nnsight": "0.7.0"}
    loopback.set(packages=packages)
    try:
        with pytest.raises(BackendError, match=r"runs nnsight 0.7.0 and here is .*pip install 'nnsight==0.7.0'"):
            running.model("qwen3")
    finally:
        loopback.set(packages={})


def test_bad_questions_never_leave(model, loopback):
    before = loopback.seen()["posts"]
    long = (5,) * (model.context_length + 1)
    for ask in (
        lambda: model.score(TRUNK, [Branch(9, (1,))]),
        lambda: model.score(TRUNK, [Branch(4, long)]),
        lambda: model.read(long, "embed"),
        lambda: model.read(TRUNK, "resid_post.9"),
        lambda: model.score((10**6,), [Branch(1, (1,))]),
        lambda: model.resume(model.compose(PROMPT, "x" * 3000, "y"), at=600, max_new_tokens=3),
    ):
        with pytest.raises(InputError):
            ask()
    assert loopback.seen()["posts"] == before


def test_the_attention_of_a_job_is_its_own(model, loopback):
    model.attention(TRUNK, heads=[(0, 1)])
    model.score(TRUNK, QUESTION)
    last = [env["attn_implementation"] for env in loopback.seen()["envs"][-2:]]
    assert last == ["eager", "sdpa"]


def test_the_name_of_a_model_is_the_one_that_nnsight_mints(model, running, monkeypatch):
    from nnsight.modeling import huggingface

    # what Hugging Face would answer
    monkeypatch.setitem(huggingface._ID_CACHE, str(running.folders["qwen3"]), "tiny/qwen3")
    assert model.remote.key == model.remote.traced.to_model_key() == model_key("tiny/qwen3", None)
    assert '"revision": "v1"' in model_key("tiny/qwen3", "v1")
