"""A server that speaks NDIF's protocol, with real models behind it: `python ndif_server.py owner/name=folder ...`.

It runs what it is sent, so it listens on 127.0.0.1 only and lives in a process of its own, in which `cotlens` can't be
imported. The port is the first line that it prints. `POST /faults` sets its state: `faults`, a list of names, makes the
jobs to come go wrong, one name per job. `GET /seen` tells what has arrived.
"""

import asyncio
import contextlib
import io
import json
import linecache
import sys
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor

import torch
import tornado.ioloop
import tornado.web
import tornado.websocket
import zstandard


class Hidden:
    """Makes `cotlens` as absent as it is on a real server."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "cotlens":
            raise ModuleNotFoundError(f"No module named {name!r}")


sys.meta_path.insert(0, Hidden())

import nnsight  # noqa: E402
import transformers  # noqa: E402
from nnsight.schema.request import RequestModel  # noqa: E402
from nnsight.schema.response import ResponseModel, Status  # noqa: E402
from nnsight.tracing.globals import BLOCKS, SOURCES  # noqa: E402
from nnsight.tracing.tracer import _saves, dec, inc  # noqa: E402

KEY = "nnsight.modeling.transformers.TransformersModel:"
MODELS, SOCKETS, RESPONSES, BLOBS = {}, {}, {}, {}
STATE = {
    "faults": [], "sockets": True, "wants": None, "pause": 0.5,  # how it behaves
    "jobs": 0, "posts": 0, "keys": [], "envs": [],  # what has arrived
    "deployments": {}, "packages": {}, "address": "",  # what it says of itself
}  # fmt: skip
WORKER = ThreadPoolExecutor(1)


class Lines(io.TextIOBase):
    """Passes on each complete line."""

    def __init__(self, tell):
        self.tell, self.rest = tell, ""

    def write(self, text):
        *lines, self.rest = (self.rest + text).split("\n")
        for line in filter(None, lines):
            self.tell(line)
        return len(text)


@contextlib.contextmanager
def restored():
    """What a job leaves in nnsight's caches of source text would spoil the next one."""
    kept = [(cache, dict(cache)) for cache in (linecache.cache, SOURCES, BLOCKS)]
    try:
        yield
    finally:
        for cache, before in kept:
            cache.clear()
            cache.update(before)


def execute(asked, blob, log):
    """Run a block; the bytes of what it saved."""
    model = MODELS[asked["model_key"]]
    model._remoteable_set_env(asked["env"])
    with restored(), contextlib.redirect_stdout(Lines(log)), contextlib.redirect_stderr(Lines(log)):
        tracer = RequestModel.deserialize(blob, model._remoteable_persistent_objects(), asked["compress"])
        inc()
        try:
            tracer.execute(tracer.info.code)
            found = {name: value for name, value in tracer.info.frame.f_locals.items() if id(value) in _saves()}
        finally:
            dec()
            model.interleaver.cancel()
    buffer = io.BytesIO()
    torch.save(found, buffer)
    data = buffer.getvalue()
    return zstandard.ZstdCompressor(level=3).compress(data) if asked["compress"] else data


async def serve(job, asked, blob, fault):
    """One job from QUEUED to its end."""
    loop, session = asyncio.get_running_loop(), asked["session_id"]

    def send(status, description="", data=None, meta=None):
        response = ResponseModel(id=job, status=status, description=description, data=data, meta=meta)
        if status != Status.LOG:
            RESPONSES[job] = response.model_dump_json() if not isinstance(data, bytes) else ""
        socket = SOCKETS.get(session)
        if socket is None or socket.ws_connection is None:
            return
        frame = response.pickle() if isinstance(data, bytes) else response.model_dump_json()
        if fault == "truncated" and status == Status.COMPLETED:
            frame = frame[: len(frame) // 2]
        with contextlib.suppress(tornado.websocket.WebSocketClosedError):
            socket.write_message(frame, binary=isinstance(frame, bytes))

    send(Status.QUEUED, "Added to Queue at position 2.")
    if fault == "slow":
        send(Status.DEPLOYING, "Loading the model.")
        await asyncio.sleep(STATE["pause"])
    if fault == "unknown" or asked["model_key"] not in MODELS:
        send(Status.ERROR, "Error starting the model: it is not here.")
        return
    send(Status.RUNNING, "Your job has started running.")
    if fault == "requeued":
        send(Status.QUEUED, "Moved to position 1 in Queue.")
        send(Status.RUNNING, "Your job has started running.")
    if fault == "error":
        send(Status.ERROR, 'Traceback (most recent call last):\n  File "x"\nRuntimeError: something broke in there')
        return
    if fault == "oom":
        send(Status.ERROR, "Traceback (most recent call last):\ntorch.OutOfMemoryError: CUDA out of memory.")
        return
    if fault == "timeout":
        send(Status.ERROR, "Job execution timed out after 60 seconds.")
        return
    if fault.startswith("says "):
        send(Status.ERROR, fault.removeprefix("says "))
        return
    if fault == "cut":
        SOCKETS[session].ws_connection.stream.close()
        return

    def log(line):
        loop.call_soon_threadsafe(send, Status.LOG, line)

    try:
        data = await loop.run_in_executor(WORKER, execute, asked, blob, log)
    except Exception:
        send(Status.ERROR, traceback.format_exc())
        return
    STATE["jobs"] += 1
    if fault == "cut late":
        SOCKETS[session].ws_connection.stream.close()
        return
    if fault == "expired":
        await asyncio.sleep(0.5)
        RESPONSES.pop(job, None)
        return
    if session and fault not in ("url", "expired url"):
        send(Status.COMPLETED, "Your job has been completed.", data, {"runtime": 0.1})
        return
    if fault != "expired url":
        BLOBS[job] = data
    send(Status.COMPLETED, "Your job has been completed.", f"{STATE['address']}/blob/{job}", {"runtime": 0.1})


class Subscribe(tornado.websocket.WebSocketHandler):
    """The channel on which a client hears of its jobs."""

    async def get(self, *args, **kwargs):
        if not STATE["sockets"]:
            self.set_status(426)
            return
        await super().get(*args, **kwargs)

    def open(self):
        self.session = uuid.uuid4().hex
        SOCKETS[self.session] = self
        self.write_message(json.dumps({"session_id": self.session}))

    def on_close(self):
        SOCKETS.pop(self.session, None)


class Request(tornado.web.RequestHandler):
    """Where jobs arrive."""

    def post(self):
        STATE["posts"] += 1
        STATE["keys"].append(self.request.headers.get("ndif-api-key", ""))
        STATE["envs"].append(json.loads(self.get_body_argument("data"))["env"])
        fault = STATE["faults"].pop(0) if STATE["faults"] else ""
        if STATE["wants"] and self.request.headers.get("ndif-api-key") != STATE["wants"]:
            self.refuse(403, "Invalid API key.")
        elif fault in ("500", "503"):
            self.refuse(int(fault), "Service temporarily unavailable.")
        elif fault == "old":
            self.refuse(400, "Client nnsight version 0.8.1 is below the minimum supported 0.9.0.")
        else:
            asked = json.loads(self.get_body_argument("data"))
            job = uuid.uuid4().hex
            self.write(ResponseModel(id=job, status=Status.RECEIVED, description="Received.").model_dump_json())
            blob = self.request.files["blob"][0]["body"]
            tornado.ioloop.IOLoop.current().spawn_callback(serve, job, asked, blob, fault)

    def refuse(self, status, detail):
        self.set_status(status)
        self.write({"detail": detail})


class Response(tornado.web.RequestHandler):
    """The latest status of a job."""

    def get(self, job):
        if job not in RESPONSES:
            self.set_status(404)
            return
        self.write(RESPONSES[job])


class Blob(tornado.web.RequestHandler):
    """A result that was left to be fetched."""

    def get(self, job):
        if job not in BLOBS:
            self.set_status(403)
            return
        self.write(BLOBS[job])


class Known(tornado.web.RequestHandler):
    """What the server says of itself, and what the tests ask it."""

    def get(self):
        path = self.request.path
        if path == "/status":
            self.write({"deployments": STATE["deployments"]})
        elif path == "/env":
            self.write({"python_version": sys.version, "packages": STATE["packages"]})
        else:
            self.write({key: STATE[key] for key in ("jobs", "posts", "keys", "envs", "deployments")})

    def post(self):
        STATE.update(json.loads(self.request.body))
        self.write({})


def load(given):
    repo, _, folder = given.partition("=")
    key = KEY + json.dumps({"repo_id": repo, "revision": None, "task": "text-generation"})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    hf = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    MODELS[key] = nnsight.TransformersModel(hf, tokenizer=tokenizer)
    hf.requires_grad_(False)
    STATE["deployments"][repo] = {
        "deployment_level": "HOT", "application_state": "RUNNING", "model_key": key, "repo_id": repo,
        "task": "text-generation", "revision": None, "dtype": "torch.float32",
    }  # fmt: skip


async def main(given):
    for one in given:
        load(one)
    STATE["packages"] = {"nnsight": nnsight.__version__, "transformers": transformers.__version__}
    app = tornado.web.Application([
        ("/subscribe", Subscribe), ("/request", Request), ("/response/(.*)", Response), ("/blob/(.*)", Blob),
        ("/(?:status|env|seen|faults)", Known),
    ])  # fmt: skip
    server = app.listen(0, "127.0.0.1")
    port = next(iter(server._sockets.values())).getsockname()[1]
    STATE["address"] = f"http://127.0.0.1:{port}"
    print(port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    torch.set_num_threads(1)
    asyncio.run(main(sys.argv[1:]))
