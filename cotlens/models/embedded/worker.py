"""vLLM's engine for CPUs with nnsight in it; nnsight itself brings only the one for GPUs. Needs vLLM."""

from __future__ import annotations

from typing import Any

from nnsight.modeling.vllm import VLLM
from nnsight.modeling.vllm.model_runners.GPUModelRunner import NNsightGPUModelRunner
from nnsight.modeling.vllm.workers.GPUWorker import NNsightGPUWorker
from vllm.v1.worker.cpu_model_runner import CPUModelRunner, _set_torch_accelerator_to_noop
from vllm.v1.worker.cpu_worker import CPUWorker


class Runner(NNsightGPUModelRunner, CPUModelRunner):
    """Runs the model on a CPU, and nnsight's blocks with it."""


class Worker(NNsightGPUWorker, CPUWorker):
    """The worker whose runner that is."""

    def init_device(self) -> None:
        """As the CPU's worker does it; then its runner becomes nnsight's."""
        CPUWorker.init_device(self)
        # The CPU's worker makes its runner itself and can't be given a class for it, so it gets one afterwards.
        self.model_runner.__class__ = Runner


class CpuEngine(VLLM):
    """`VLLM` on a machine without a GPU."""

    _WORKER_CLS = f"{__name__}.Worker"

    def _load_meta(self, repo_id: str, **kwargs: Any) -> Any:
        _set_torch_accelerator_to_noop()  # vLLM empties the cache of an accelerator while it builds the modules
        return super()._load_meta(repo_id, **kwargs)
