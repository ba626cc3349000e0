"""The readers of answers that an editor offers: those that need nothing said, and the one it was opened with."""

from __future__ import annotations

from cotlens._core.errors import InputError, did_you_mean
from cotlens.trace.answers import AnswerReader, Boxed, Choice, FinalAnswer, Number
from cotlens.widgets.protocol import editor


class Readers:
    """By name.

    Args:
        own: that of the trace, which may be of a user's own making.

    Attributes:
        chosen: the one that was chosen instead of the traces' own, None while none was.
    """

    def __init__(self, own: AnswerReader | None) -> None:
        usual: tuple[AnswerReader, ...] = (FinalAnswer(), Number(), Boxed(), Choice())
        self._all = {reader.name: reader for reader in (*usual, *((own,) if own is not None else ()))}
        self.chosen: AnswerReader | None = None

    def choose(self, name: str) -> AnswerReader:
        """The reader of that name.

        Raises:
            InputError: there is none.
        """
        if name not in self._all:
            raise InputError(f"There is no reader {name!r} to choose. {did_you_mean(name, self._all)}")
        self.chosen = self._all[name]
        return self.chosen

    def offered(self, now: AnswerReader | None) -> list[editor.Reader]:
        """The view's choices: name, what each looks for, and whether it reads the shown trace."""
        return [
            {"name": name, "seeks": str(getattr(reader, "seeks", "")), "current": reader == now}
            for name, reader in self._all.items()
        ]

    def code(self) -> list[str]:
        """The line of Python that gives a trace the chosen reader; none while none was chosen."""
        if self.chosen is None:
            return []
        return [f"trace = dataclasses.replace(trace, reader=cl.answers.{self.chosen!r})"]
