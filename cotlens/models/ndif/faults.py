"""What can go wrong between here and the server, each in one sentence with the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from cotlens._core.errors import BackendError, CapabilityError, CotLensError, InputError, OutOfMemory

_FULL = ("out of memory", "outofmemoryerror")
_BUILT = ("architecture", "persistent", "module:")
_APART = ("does not require grad", "not have been used in the graph")
_SLOW = ("timed out", "execution timeout", "time limit", "exceeded the maximum")
_LATER = ("try again", "replica", "cancelled", "evicted", "restart")


class TransientError(Exception):
    """An attempt that failed for no fault of the question; it is asked again."""


class JobRejected(TransientError):
    """The server would not run the job, in words; whether to ask `again` depends on them."""

    def __init__(self, reason: str, again: bool) -> None:
        super().__init__(reason)
        self.again = again


def failed(host: str, description: str) -> CotLensError | TransientError:
    """What a server means by a job that ended with ERROR."""
    said = description.strip() or "it gave no reason"
    low, last = said.lower(), said.splitlines()[-1].strip()
    traced = "traceback" in low
    if any(words in low for words in _FULL):
        return OutOfMemory(
            f"The job did not fit into the memory that {host} has for this model ({last}); use a shorter trace, or "
            "wait until others are done."
        )
    if any(words in low for words in _APART):
        return CapabilityError(
            f"{host} runs blocks apart from the model, where gradients don't reach; use a server that trusts you, or "
            'backend="local".'
        )
    # With a traceback it was the block itself that failed: words such as "module:" in it say nothing of the service.
    if not traced and any(words in low for words in _BUILT):
        return BackendError(
            f"The model on {host} is built of other modules than here ({last}); install the version of transformers "
            "that the server has."
        )
    if not traced and any(words in low for words in _SLOW):
        return BackendError(
            f"The job took longer than {host} allows ({last}); ask for fewer tokens, or use a shorter trace."
        )
    if not traced:
        return JobRejected(f"{host} did not run the job ({last.rstrip('.')})", any(words in low for words in _LATER))
    return BackendError(f"The job failed on {host}: {last}")


def refused(host: str, status: int, detail: str, keyed: bool) -> CotLensError | TransientError:
    """What an HTTP status that is not 2xx means."""
    said = f" ({detail})" if detail else ""
    if status in (401, 403):
        if not keyed:
            return BackendError(
                f"{host} wants an API key{said}; set the environment variable NDIF_API_KEY, or run nnsight.login()."
            )
        return BackendError(
            f"{host} doesn't know the API key it was given{said}; correct NDIF_API_KEY, or run nnsight.login() again."
        )
    if status == 400 and "version" in detail.lower():
        return BackendError(f"{host} doesn't take jobs of this version of nnsight{said}; install the one it names.")
    if status == 413:
        return BackendError(f"The job is larger than {host} takes{said}; use a shorter trace.")
    if status in (408, 425, 429) or status >= 500:
        return TransientError(f"{host} answered {status}{said}")
    return BackendError(f"{host} refused the job with {status}{said}; is it an NDIF server of a current version?")


def unreachable(host: str, reason: str) -> BackendError:
    """The server can't be reached at all."""
    return BackendError(
        f"{host} can't be reached ({reason}); check the network, and the address given as host= or in NDIF_HOST."
    )


def given_up(reason: str, attempts: int) -> BackendError:
    """Asked again and again, in vain."""
    return BackendError(
        f"{reason}, {attempts} times in a row; what was finished is kept, so ask again when the service is well."
    )


def not_up(host: str, name: str, up: Sequence[str]) -> InputError:
    """The model is not one that the server has."""
    there = f"It has {', '.join(sorted(set(up)))}." if up else "It has no model up at the moment."
    return InputError(f"{host} does not run {name!r}. {there}")
