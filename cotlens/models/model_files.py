"""The files of a model by its name, as transformers is to be given them: a Hugging Face id, a folder, or a GGUF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cotlens._core.errors import BackendError
from cotlens._core.optional import need
from cotlens._core.registry import resolve
from cotlens.models import gguf, gguf_splitting, load_errors
from cotlens.models.model_config import LOOPED, auto_class

_UNREADABLE = (OSError, ValueError, ImportError, KeyError, IndexError, TypeError, AttributeError, RuntimeError)
_NAMED = 3  # parameters that an error names


@dataclass(frozen=True)
class ModelFiles:
    """What transformers reads a model from; see `of`.

    Args:
        name: what the user called it.
        where: a folder or id, the first argument of `from_pretrained`; more: its further arguments.
        header: of a GGUF; None for all others.
    """

    name: str
    where: str
    more: dict[str, Any]
    header: gguf.Header | None = None

    @classmethod
    def of(cls, name: str, revision: str | None = None) -> ModelFiles:
        """The files of a name.

        Raises:
            InputError: a folder holds several GGUF files.
            BackendError: a GGUF is damaged, or no model.
            CapabilityError: what reads a GGUF isn't installed.
        """
        more: dict[str, Any] = {"revision": revision, "trust_remote_code": False}
        file = gguf.find(name)
        if file is None:
            return cls(name, name, more)
        for package in ("gguf", "accelerate"):  # transformers reads such files by both
            need(package, f"The GGUF file {file.name!r}", "gguf")
        return cls(name, str(file.parent), {**more, "gguf_file": file.name}, gguf.read(file))

    def config(self) -> Any:
        """The config; BackendError where transformers doesn't know the architecture of a GGUF."""
        from transformers import AutoConfig, __version__

        try:
            return AutoConfig.from_pretrained(self.where, **self.more)
        except _UNREADABLE as error:
            if self.header is None and (kind := self._looped()) is not None:
                return kind.from_pretrained(self.where, **self.more)
            if self.header is None:
                raise
            raise BackendError(
                f"{Path(self.name).name!r} is a GGUF of the architecture {self.header.architecture!r}, which "
                f"transformers {__version__} can't read from such a file; load the same model from its safetensors."
            ) from error

    def _looped(self) -> Any:
        """The class of the config of a model that thinks in depth; None of all others."""
        from transformers import PreTrainedConfig

        try:
            said, _ = PreTrainedConfig.get_config_dict(self.where, revision=self.more["revision"])
        except (OSError, ValueError):
            return None
        found = LOOPED.get(str(said.get("model_type")))
        return None if found is None else resolve(found[0])

    def tokenizer(self, config: Any = None) -> Any:
        """The tokenizer; BackendError where that of a GGUF can't be made, or there is none.

        Args:
            config: where it is there already; transformers would look in vain for one that it doesn't know.
        """
        found = self._tokenizer(config)
        if set(found.get_vocab()) <= {*found.get_added_vocab(), *found.all_special_tokens}:
            # Where its files are missing, transformers makes one that reads nothing of any text.
            raise BackendError(
                f"{self.name!r} has no tokenizer: there is no word in its vocabulary, so its files (tokenizer.json, as "
                "a rule) are missing; put those of the model that it was made from beside its weights."
            )
        return found

    def _tokenizer(self, config: Any) -> Any:
        from transformers import AutoTokenizer

        own = {"config": config} if getattr(config, "model_type", "") in LOOPED else {}
        try:
            found = AutoTokenizer.from_pretrained(self.where, **self.more, **own)
        except _UNREADABLE as error:
            if self.header is None:
                raise
            raise BackendError(
                f"transformers can't make the tokenizer of the GGUF {Path(self.name).name!r} "
                f"({load_errors.first_line(error)}); load the model with it yourself and give load((model, tokenizer))."
            ) from error
        if self.header is not None:
            gguf_splitting.mend(found, self.header, Path(self.name).name)
        return found

    def model(self, config: Any, **arguments: Any) -> Any:
        """The model with all its weights.

        Args:
            arguments: further ones of `from_pretrained`.

        Raises:
            BackendError: the files leave out weights, which would otherwise be random numbers.
        """
        if self.header is not None:
            arguments |= _dequantised()
        kind = auto_class(config)
        model, told = kind.from_pretrained(
            self.where, config=config, output_loading_info=True, **self.more, **arguments
        )
        if missing := sorted(told["missing_keys"]):
            listed = ", ".join([*missing[:_NAMED], *["..."] * (len(missing) > _NAMED)])
            raise BackendError(
                f"The files of {self.name!r} leave out {len(missing)} of its weights ({listed}), so it would run on "
                "random numbers in their place; get the whole model."
            )
        return model


def _dequantised() -> dict[str, Any]:
    """What keeps newer versions of transformers from leaving a GGUF's weights packed, where nobody could read them."""
    import transformers

    kind = getattr(transformers, "GgufConfig", None)
    return {} if kind is None else {"quantization_config": kind(dequantize=True)}
