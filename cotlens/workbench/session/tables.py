"""What a session keeps of a feature table beside its branches, and how it comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cotlens._core import files
from cotlens._core.errors import InputError
from cotlens.measure.features.autoencoder.sae import SAE
from cotlens.measure.features.autoencoder.store import SHIPPED, load_sae
from cotlens.measure.features.encoded import Encoded
from cotlens.measure.features.latents import Latents
from cotlens.measure.features.rows import Rows
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.workbench.branches.node import Node
from cotlens.workbench.feature_table.reading import LatentReading, recalled
from cotlens.workbench.feature_table.table import FeatureTable
from cotlens.workbench.shared.tree_controller import TreeController


def sae_to_data(sae: SAE) -> dict[str, Any]:
    """Where an autoencoder is loaded from, as JSON data.

    Raises:
        InputError: it is in no file yet.
    """
    known = sae.config.metadata
    if sae.folder is not None:
        shipped = next((name for name, folder in SHIPPED.items() if folder == sae.folder), None)
        source = [shipped or str(sae.folder), None]
    elif known.get("release"):
        source = [str(known["release"]), known.get("sae_id")]
    else:
        raise InputError(
            "A session keeps where an autoencoder is loaded from, and this one is in no file yet: save it with "
            "cl.features.save_sae(sae, folder), and open the widget with cl.features.load_sae(folder)."
        )
    return {"source": source, "site": sae.config.site, "fingerprint": sae.fingerprint}


def sae_from_data(data: Mapping[str, Any], given: Mapping[str, SAE]) -> SAE:
    """The autoencoder that was given, or is there now.

    Raises:
        InputError: it is missing, another one than it was, or would have to be fetched: a file that is only looked at
            sends nothing anywhere.
    """
    if data["fingerprint"] in given:
        return given[data["fingerprint"]]
    (name, sae_id), site = data["source"], data["site"]
    if sae_id is not None:
        raise InputError(
            f"its autoencoder is {sae_id!r} of the release {name!r}, which isn't fetched by opening a session: load "
            "it, and give it with cl.Session.load(path, saes=[sae])"
        )
    sae = load_sae(name, site=site)
    if sae.fingerprint != data["fingerprint"]:
        raise InputError(f"the autoencoder at {data['source'][0]!r} is another one than it was")
    return sae


def state(table: FeatureTable) -> dict[str, Any]:
    """The table's settings as JSON data."""
    said = {
        "sae": sae_to_data(table.sae),
        "exact": table._exact,
        "target": table._target,
        "metric": table._metric,
        "labels": {str(latent): label for latent, label in table._labels.given.items()},
        "selection": table.selection,
        "current": table.tree.current_id,
    }
    return dict(files.plain(said, "feature table"))


def read(table: FeatureTable) -> Iterator[LatentReading]:
    """Everything that was read of its traces."""
    yield from table._readings.all()


def reading_to_data(reading: LatentReading) -> dict[str, Any]:
    """What was read of a trace as JSON data."""
    encoded, rows = reading.encoded, reading.rows
    said = {
        "trace": reading.trace.id,
        "latents": _fields(encoded.latents),
        "error": encoded.error,
        "explained": encoded.explained_variance,
        "rows": _fields(rows),
        "target": None if reading.asked is None else reading.asked.target,
        "why": reading.why,
        "note": reading.note,
        "estimate": None if reading.estimate is None else list(reading.estimate.items()),
        "exact": [[latent, *pair] for latent, pair in reading.exact.items()],
    }
    return dict(files.plain(said, "reading"))


def reading_from_data(data: Mapping[str, Any], trace: Trace, metric: str) -> LatentReading:
    """The inverse; raises KeyError, TypeError or ValueError where they are damaged."""
    known = files.revive(dict(data))
    encoded = Encoded(Latents(**known["latents"]), known["error"], float(known["explained"]))
    estimate = known["estimate"]
    return LatentReading(
        trace, encoded, Rows(**known["rows"]), recalled(known["target"], metric), known["why"], known["note"],
        None if estimate is None else {int(latent): float(value) for latent, value in estimate},
        {int(latent): (float(before), float(after)) for latent, before, after in known["exact"]},
    )  # fmt: skip


def restored(
    model: Model,
    source: TreeController | Sequence[Node],
    data: Mapping[str, Any],
    readings: Sequence[Mapping[str, Any]],
    saes: Mapping[str, SAE],
) -> FeatureTable:
    """A table as it was; nothing is read before it is asked for.

    Args:
        source: the editor whose branches are shared, or the table's own branches.
    """
    shared = not isinstance(source, Sequence)
    opened: Any = source if shared else source[0].trace  # type: ignore[index]
    labels = {int(latent): label for latent, label in data["labels"].items()} or None
    settings = {"labels": labels, "exact": data["exact"], "target": data["target"], "metric": data["metric"]}
    table = FeatureTable(model, opened, sae_from_data(data["sae"], saes), **settings)
    with table.lock:
        if not shared:
            table.tree.revive(source, data["current"], model.codec)  # type: ignore[arg-type]
        traces = {node.trace.id: node.trace for node in table.tree.nodes.values()}
        table._readings.recall(reading_from_data(each, traces[each["trace"]], data["metric"]) for each in readings)
        table._publish()
        table.select(None if data["selection"] is None else tuple(data["selection"]))
    return table


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
