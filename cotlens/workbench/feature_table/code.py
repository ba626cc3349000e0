"""What was done in a feature table as Python."""

from __future__ import annotations

from collections.abc import Sequence

from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import SHIPPED
from cotlens.models.contract import Model
from cotlens.results.code import opening_of
from cotlens.workbench.feature_table.reading import LatentReading


def script(
    model: Model,
    sae: SAE,
    steps: Sequence[str],
    known: LatentReading | None,
    selection: tuple[int, int] | None,
    target: str | None,
    metric: str,
) -> str:
    """Python that makes a trace by `steps` and its table, with the effects that were measured, again."""
    head = ["import cotlens as cl", "", f"model = {opening_of(model)}", loading(sae)]
    made = [step.removeprefix(f"{loading(sae)}\n") for step in steps]
    return "\n".join([*head, *made, f"found = {asking(known, selection, target, metric)}", "found.frame()"])


def asking(known: LatentReading | None, selection: tuple[int, int] | None, target: str | None, metric: str) -> str:
    """The call that makes the table of `trace`, with the effects that were measured."""
    settings = [] if selection is None else [f"selection={selection}"]
    if known is not None and known.exact:
        settings.append(f"effect_of={sorted(known.exact)}")
    if known is not None and known.estimate is not None:
        settings.append("estimate=True")
    if target is not None:
        settings.append(f"target={target!r}")
    if metric != "logit_difference":
        settings.append(f"metric={metric!r}")
    return f"cl.features.features({', '.join(['trace', 'model', 'sae', *settings])})"


def loading(sae: SAE) -> str:
    """The line that loads the SAE again."""
    known = sae.config.metadata
    if sae.folder is not None:
        shipped = next((name for name, folder in SHIPPED.items() if folder == sae.folder), str(sae.folder))
        return f"sae = cl.features.load_sae({shipped!r})"
    if known.get("release"):
        return f"sae = cl.features.load_sae({known['release']!r}, {known.get('sae_id')!r})"
    return "# sae: an autoencoder that no file holds yet; keep it with cl.features.save_sae(sae, folder)"
