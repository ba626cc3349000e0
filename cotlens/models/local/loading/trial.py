"""What a model is said to be able to do inside is tried when it is loaded, a few tokens at a time.

Nothing is believed about an architecture by name. Each claim is held to plain forward hooks on the module itself:

- read: what is read at a place is what comes out there, a vector per token; after a layer what the next one takes; of
  attention or MLP, a part beside the stream and not the stream itself.
- write: vectors added at places do to the logits what hooks that add them there do; and the embeddings of another text
  make the logits of that text, so that nothing of a token reaches the layers by another way.
- gradient: the gradient at a place is autograd's.
- unembed: what it says a change of the last stream adds to the logits is what the change does add.
- decode: the stream after the last layer, decoded, gives the model's logits.

What doesn't hold is refused with a sentence, for a kind of place or, where nothing is left, for the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import CapabilityError, CotLensError
from cotlens.models.architecture.layout import EMBED, HEADS, KINDS, RESIDUAL, USES, Layout, Refusals
from cotlens.models.contract import AddVector, AnswerBranch
from cotlens.models.model_config import quantised
from cotlens.models.whitebox import activations, decoding, unembedding
from cotlens.models.whitebox.gradients import gradients

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.local.engine import Engine

# largest relative error that rounding explains; what a wrong place gives is off by as much as it is large
TOLERANCE = {torch.float64: 1e-6, torch.float32: 2e-3}
ROUGH = 0.3  # of narrower types and quantised weights, of the middle token: rounding may send one to another expert
FAILED = (CotLensError, RuntimeError, ValueError, TypeError, AttributeError, KeyError, IndexError)
TOKENS, AT = 6, 2

Edits = Mapping[str, Callable[["Tensor"], "Tensor"]]
_known: WeakKeyDictionary[Any, tuple[int, Refusals]] = WeakKeyDictionary()


def find_own_positions(engine: Engine) -> None:
    """Leave positions to a model that doesn't count them 0, 1, 2, ... (RoBERTa begins behind its padding)."""
    if "position_ids" not in engine.layout.accepts:
        return
    trial = _Trial(engine)
    with control.using(Control()), _unmetered(engine):
        own, _, _ = trial._bare([trial.ids])
        ours, _, _ = engine.forward(engine.tensor(trial.ids), np.arange(len(trial.ids)))
        if torch.isfinite(own).all() and trial._apart(ours, own):
            why = "it counts positions in a way of its own"
            engine.layout = replace(engine.layout, accepts=engine.layout.accepts - {"position_ids"}, no_mask=why)
            engine.obeys_masks, engine.attending, engine.no_skip = False, (), why


def tried(engine: Engine) -> Layout:
    """The engine's layout with what it refuses; once per module, unless hooks are set on it; not metered."""
    hooks = sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in engine.hf.modules())
    if _known.get(engine.hf, (None,))[0] != hooks:
        with control.using(Control()), _unmetered(engine):
            _known[engine.hf] = hooks, _Trial(engine).refusals()
    return replace(engine.layout, refused=_known[engine.hf][1])


class _Trial:
    def __init__(self, engine: Engine) -> None:
        self.engine, self.layout = engine, engine.layout
        n = min(TOKENS, self.layout.context - 1)
        self.ids = [(7919 * (i + 3)) % self.layout.vocabulary for i in range(n)]
        self.others = [(one + 1) % self.layout.vocabulary for one in self.ids]
        self.places = {kind: self._places(kind) for kind in KINDS}
        self.found: Refusals = {}

    def refusals(self) -> Refusals:
        """(use, kind of place) -> why not; nothing where the model's weights give no numbers."""
        kinds = [kind for kind in KINDS if self.places[kind]]
        paths = [path for kind in kinds for path in self.places[kind].values()]
        if why := self._outcome([], lambda _: self._begin(paths)):
            return {(use, kind): why for use in USES for kind in kinds}
        if not torch.isfinite(self.logits).all():
            return {}
        for use, tests in {
            "read": (self._fits, self._read, self._beside),
            "write": (self._whole, self._written),
            "gradient": (self._differentiated,),
            "unembed": (self._unembedded,),
            "decode": (self._decoded,),
        }.items():
            for kind in (
                kinds if use not in ("unembed", "decode") else ()
            ):  # what can't be read or changed there gives no gradient
                if why := self.found.get(("read", kind), self.found.get(("write", kind), "")):
                    self.found[use, kind] = why
            for test in tests:
                self._claim(use, [kind for kind in kinds if (use, kind) not in self.found], test)
        return self.found

    def _begin(self, paths: Sequence[str]) -> str:
        self.logits, self.seen, self.taken = self._bare([self.ids], outputs=paths, inputs=self.layout.layers)
        return ""

    def _claim(self, use: str, kinds: list[str], test: Callable[[list[str]], str]) -> None:
        """Try kinds of places together, and one by one where that fails."""
        why = self._outcome(kinds, test) if kinds else ""
        if why and len(kinds) == 1:
            self.found[use, kinds[0]] = why
        for kind in kinds if why and len(kinds) > 1 else ():
            self._claim(use, [kind], test)

    def _outcome(self, kinds: list[str], test: Callable[[list[str]], str]) -> str:
        try:
            return test(kinds)
        except CapabilityError as error:
            return str(error).rstrip(".")
        except FAILED as error:
            told = error.__cause__ or error  # what the model's own code said, without the sentence around it
            first = (str(told).strip().splitlines() or [type(told).__name__])[0][:160]
            return f"it failed on this model when it was tried ({first})"

    def _places(self, kind: str) -> dict[str, str]:
        """Name -> path of the places of a kind: in the first, the middle and the last layer that has one."""
        if kind == EMBED:
            return {EMBED: self.layout.embed}
        layers = [layer for layer in range(self.layout.n_layers) if self.layout.path(kind, layer)]
        chosen = sorted({layers[i] for i in (0, len(layers) // 2, -1)}) if layers else []
        return {f"{kind}.{layer}": self.layout.path(kind, layer) for layer in chosen}

    def _sites(self, kinds: Sequence[str]) -> dict[str, str]:
        return {name: path for kind in kinds for name, path in self.places[kind].items()}

    def _wide(self, path: str) -> int:
        return self.layout.width(HEADS if path in self.layout.projections else RESIDUAL)

    def _fits(self, kinds: list[str]) -> str:
        """One vector per token, which after a layer is what the next one takes."""
        after = dict(zip(self.layout.layers, self.layout.layers[1:], strict=False))
        for path in self._sites(kinds).values():
            if path not in self.seen:
                return "what comes out there is no tensor"
            shape, wide = tuple(self.seen[path].shape), self._wide(path)
            if shape != (1, len(self.ids), wide):
                return (
                    f"what comes out there has the shape {list(shape)} for {len(self.ids)} tokens, and not one vector "
                    f"of {wide} numbers per token"
                )
            if path in after and self._apart(self.taken[after[path]], self.seen[path]):
                return "what comes out of one layer is not what goes into the next"
        return ""

    def _read(self, kinds: list[str]) -> str:
        sites = self._sites(kinds)
        ours = activations.read(self.engine, self.ids, list(sites), None, ())
        if any(self._apart(torch.from_numpy(ours[site]), self.seen[path][0]) for site, path in sites.items()):
            return "what was read there is not what comes out of the module"
        return ""

    def _beside(self, kinds: list[str]) -> str:
        """With a kind of part silenced in all layers, two texts must still have different logits."""
        for kind in kinds:
            if kind in (EMBED, RESIDUAL):
                continue
            silenced = [self.layout.path(kind, layer) for layer in range(self.layout.n_layers)]
            edits = {path: torch.zeros_like for path in silenced if path}
            if not self._apart(*self._bare([self.ids, self.others], edits=edits)[0]):
                return "it is the whole stream that comes out there, not a part that is added to it"
        return ""

    def _whole(self, kinds: list[str]) -> str:
        """A text given another's embeddings must be that other text."""
        if EMBED not in kinds:
            return ""
        edits = {self.layout.embed: lambda x: x[:1].expand_as(x)}
        one, other = self._bare([self.others, self.ids], edits=edits)[0]
        if not self._apart(other, one):
            return ""
        return (
            "a token reaches the layers of this model by other ways than its embedding too (inputs per layer), so that "
            "its embedding alone doesn't stand for it"
        )

    def _written(self, kinds: list[str]) -> str:
        edits, changes, rng = {}, [], np.random.default_rng(0)
        for site, path in self._sites(kinds).items():
            kind, _, layer = site.partition(".")
            # as long as what is there: what a short vector does drowns in rounding
            long = max(float(self.seen[each].norm(dim=-1).mean()) for each in (path, self.layout.embed))
            wide = self._wide(path)
            vector = long / wide**0.5 * rng.normal(size=wide).astype(np.float32)
            edits[path] = partial(_added, torch.from_numpy(vector))
            changes.append(AddVector(int(layer or 0), vector, (AT,), site=kind))  # type: ignore[arg-type]
        expected, _, _ = self._bare([self.ids], edits=edits)
        at = np.arange(len(self.ids))
        ours, _, _ = self.engine.forward(self.engine.tensor(self.ids), at, interventions=changes)
        if self._apart((ours - self.logits)[0, AT:], (expected - self.logits)[0, AT:]):
            return "vectors added there do not do to the logits what adding them to the module's output does"
        return ""

    def _differentiated(self, kinds: list[str]) -> str:
        sites = self._sites(kinds)
        answer = AnswerBranch(tuple(self.ids[-2:]), 0, 2)
        ours = gradients(self.engine, self.ids[:-2], answer, list(sites), "log_probability", None, ())
        slopes = self._slopes(list(sites.values()))
        if any(self._apart(torch.from_numpy(ours.gradients[site]), slopes[path]) for site, path in sites.items()):
            return "the gradient there is not the one that autograd gives at the module's output"
        return ""

    def _unembedded(self, kinds: list[str]) -> str:
        """Streams of one norm, a token each, after the last layer: how their logits differ."""
        if RESIDUAL not in kinds:
            return ""
        if ("write", RESIDUAL) in self.found:
            return self.found["write", RESIDUAL]
        drawn = np.random.default_rng(1).normal(size=(len(self.ids), self.layout.d_model))
        drawn -= drawn.mean(1, keepdims=True)
        streams = torch.from_numpy((drawn / drawn.std(1, keepdims=True)).astype(np.float32))
        edits = {self.layout.layers[-1]: lambda x: streams[None].to(x)}
        logits = unembedding.uncapped(self.engine.hf.config, self._bare([self.ids], edits=edits)[0][0])
        said = unembedding.unembed(self.engine, (streams[1:] - streams[:1]).numpy())
        if self._apart(torch.from_numpy(said), logits[1:] - logits[:1]):
            return "what a direction is said to add to the logits is not what adding it after the last layer does"
        return ""

    def _decoded(self, kinds: list[str]) -> str:
        if RESIDUAL not in kinds:
            return ""
        if ("read", RESIDUAL) in self.found:
            return self.found["read", RESIDUAL]
        stream = self.seen[self.layout.layers[-1]][0]
        if self._apart(decoding.logits(self.engine, stream.float().cpu().numpy()), self.logits[0]):
            return "what stands after the last layer doesn't give the model's logits that way"
        return ""

    def _slopes(self, paths: Sequence[str]) -> dict[str, Tensor]:
        """Autograd's gradients of the log-probability of the last two tokens, [tokens, d_model]."""
        logits, seen, _ = self._bare([self.ids], outputs=paths, grad=True)
        with torch.enable_grad():
            scores = torch.log_softmax(logits[0].float(), -1)
            value = scores[-3, self.ids[-2]] + scores[-2, self.ids[-1]]
        slopes = torch.autograd.grad(value, [seen[path] for path in paths])
        return {path: slope[0] for path, slope in zip(paths, slopes, strict=True)}

    def _bare(
        self,
        texts: Sequence[Sequence[int]],
        *,
        outputs: Sequence[str] = (),
        inputs: Sequence[str] = (),
        edits: Edits | None = None,
        grad: bool = False,
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """A pass of the module itself with plain hooks: logits, what came out, what went in as hidden states."""
        hf, seen, taken = self.engine.hf, dict[str, Any](), dict[str, Any]()

        def after(path: str, _: Any, __: Any, output: Any) -> Any:
            value = output[0] if isinstance(output, tuple) else output
            if not torch.is_tensor(value):
                return output
            value = edits[path](value) if edits and path in edits else value
            if grad and not value.requires_grad:
                value = value.detach().requires_grad_(True)
            seen[path] = value if grad else value.clone()
            value = value.clone()  # the next module may work in place
            return (value, *output[1:]) if isinstance(output, tuple) else value

        def into(path: str, module: Any, args: Any) -> Any:
            value = after(path, module, args, args[0])
            return (value, *args[1:])

        def before(path: str, _: Any, args: Any, kwargs: Any) -> None:
            taken[path] = (kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]).clone()

        with ExitStack() as stack, torch.set_grad_enabled(grad):
            for path in dict.fromkeys([*outputs, *(edits or {})]):
                module = hf.get_submodule(path)
                enters = path in self.layout.projections  # of the heads it is what goes into what mixes them
                hook = module.register_forward_pre_hook if enters else module.register_forward_hook
                stack.callback(hook(partial(into if enters else after, path)).remove)
            for path in inputs:
                handle = hf.get_submodule(path).register_forward_pre_hook(partial(before, path), with_kwargs=True)
                stack.callback(handle.remove)
            ids = torch.cat([self.engine.tensor(text) for text in texts])
            given = {"use_cache": False} if "use_cache" in self.layout.accepts else {}
            return hf(input_ids=ids, **given).logits, seen, taken

    def _apart(self, one: Tensor, other: Tensor) -> bool:
        """Whether two stacks of rows differ by more than rounding explains."""
        if one.shape[-1] != other.shape[-1] or one.numel() != other.numel():
            return True
        one, other = (part.detach().float().cpu().reshape(-1, part.shape[-1]) for part in (one, other))
        off, size = (one - other).norm(dim=-1), other.norm(dim=-1)
        if self.engine.dtype in TOLERANCE and not quantised(self.engine.hf):
            return not float(off.norm()) <= TOLERANCE[self.engine.dtype] * float(size.norm())
        return not float((off / size.clamp(min=1e-12)).median()) <= ROUGH


@contextmanager
def _unmetered(engine: Engine) -> Iterator[None]:
    before = engine.meter.snapshot()
    try:
        yield
    finally:
        engine.meter.tokens, engine.meter.forwards = before.tokens, before.forwards


def _added(vector: Tensor, x: Tensor) -> Tensor:
    """`vector` [d_model] added to the row `AT` of x [1, tokens, d_model]."""
    return torch.cat([x[:, :AT], x[:, AT : AT + 1] + vector.to(x), x[:, AT + 1 :]], 1)
