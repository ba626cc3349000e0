"""CoTLens: investigate a model's chain of thought in Jupyter.

    import cotlens as cl

    model = cl.load("abacus")
    trace = model.reason("Mia has 12 pears and buys 7 more. How many pears does she have?")
    cl.CoTEditor(model, trace)

Two arrows. Data flows like a question::

    prompt -> model.reason -> Trace -> edit -> model.resume -> Trace ...
                                |
                                +-> Measurement.run(trace, model) -> Result -> chart | widget

Imports point only downwards::

    workbench | teaching         the only place where computing meets display; exercises that check themselves
    organisms                    the reasoners that ship, and what is known of them
    widgets | plots | measure    siblings that never import each other
    models                       how a model is reached; the only place that knows nnsight
    results                      typed tables with provenance
    trace                        the text: no torch, no network
    _core                        errors, registries, lazy imports

Names below load when first used, so that ``import cotlens`` stays fast and needs no model library.
"""

from typing import TYPE_CHECKING

from cotlens._core.lazy import lazy_attributes

__version__ = "0.1.0"

__all__ = [
    "BranchTree",
    "ChatEndpoint",
    "CoTEditor",
    "CotLensError",
    "Edit",
    "FeatureTable",
    "FinalAnswer",
    "ImportanceMap",
    "LatentCheckpoint",
    "LensGrid",
    "MonitorPanel",
    "PairMatrix",
    "PatchGrid",
    "RolloutMap",
    "Selection",
    "Session",
    "Span",
    "SteeringPanel",
    "Trace",
    "Traces",
    "Workbench",
    "__version__",
    "answers",
    "attention_patterns",
    "categories",
    "colored_tokens",
    "compare",
    "diff",
    "diff_answers",
    "faithfulness",
    "features",
    "importance",
    "latent",
    "lenses",
    "load",
    "load_result",
    "mixed",
    "monitors",
    "patching",
    "probes",
    "read",
    "read_atif",
    "read_inspect",
    "read_jsonl",
    "read_rollouts",
    "show",
    "steering",
    "survey",
]

if TYPE_CHECKING:
    from cotlens._core.errors import CotLensError
    from cotlens.measure import (
        categories,
        faithfulness,
        features,
        importance,
        latent,
        lenses,
        monitors,
        patching,
        probes,
        steering,
    )
    from cotlens.measure.compare import compare
    from cotlens.measure.diff.answers import diff_answers
    from cotlens.measure.diff.comparing import diff
    from cotlens.measure.published_rollouts import read_rollouts
    from cotlens.measure.survey.plan import survey
    from cotlens.models.endpoint.answering import ChatEndpoint
    from cotlens.models.load import load
    from cotlens.models.local.latents.checkpoints.opening import LatentCheckpoint
    from cotlens.models.mixed import mixed
    from cotlens.plots.attention import attention_patterns
    from cotlens.plots.tokens import colored_tokens
    from cotlens.results import load_result
    from cotlens.trace import Edit, FinalAnswer, Span, Trace, answers
    from cotlens.trace.collection.traces import Traces
    from cotlens.trace.readers.inspect_logs import read_inspect
    from cotlens.trace.readers.reading import read, read_atif, read_jsonl
    from cotlens.widgets.importance_map import ImportanceMap
    from cotlens.widgets.lens_grid import LensGrid
    from cotlens.widgets.pair_matrix import PairMatrix
    from cotlens.widgets.shared.selection import Selection
    from cotlens.workbench.branch_tree.branch_tree import BranchTree
    from cotlens.workbench.editor.editor import CoTEditor
    from cotlens.workbench.feature_table.table import FeatureTable
    from cotlens.workbench.monitor_panel.panel import MonitorPanel
    from cotlens.workbench.patch_grid.patch_grid import PatchGrid
    from cotlens.workbench.rollout_map.rollout_map import RolloutMap
    from cotlens.workbench.session.session import Session
    from cotlens.workbench.show import show
    from cotlens.workbench.steering_panel.panel import SteeringPanel
    from cotlens.workbench.workbench.workbench import Workbench

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "load": "cotlens.models.load:load",
        "LatentCheckpoint": "cotlens.models.local.latents.checkpoints.opening:LatentCheckpoint",
        "mixed": "cotlens.models.mixed:mixed",
        "ChatEndpoint": "cotlens.models.endpoint.answering:ChatEndpoint",
        "Trace": "cotlens.trace:Trace",
        "Traces": "cotlens.trace.collection.traces:Traces",
        "read": "cotlens.trace.readers.reading:read",
        "read_atif": "cotlens.trace.readers.reading:read_atif",
        "read_jsonl": "cotlens.trace.readers.reading:read_jsonl",
        "read_inspect": "cotlens.trace.readers.inspect_logs:read_inspect",
        "Span": "cotlens.trace:Span",
        "Edit": "cotlens.trace:Edit",
        "answers": "cotlens.trace.answers",
        "FinalAnswer": "cotlens.trace.answers:FinalAnswer",
        "importance": "cotlens.measure.importance",
        "latent": "cotlens.measure.latent",
        "categories": "cotlens.measure.categories",
        "faithfulness": "cotlens.measure.faithfulness",
        "features": "cotlens.measure.features",
        "lenses": "cotlens.measure.lenses",
        "monitors": "cotlens.measure.monitors",
        "patching": "cotlens.measure.patching",
        "probes": "cotlens.measure.probes",
        "steering": "cotlens.measure.steering",
        "survey": "cotlens.measure.survey.plan:survey",
        "attention_patterns": "cotlens.plots.attention:attention_patterns",
        "colored_tokens": "cotlens.plots.tokens:colored_tokens",
        "load_result": "cotlens.results:load_result",
        "read_rollouts": "cotlens.measure.published_rollouts:read_rollouts",
        "compare": "cotlens.measure.compare:compare",
        "diff": "cotlens.measure.diff.comparing:diff",
        "diff_answers": "cotlens.measure.diff.answers:diff_answers",
        "BranchTree": "cotlens.workbench.branch_tree.branch_tree:BranchTree",
        "CoTEditor": "cotlens.workbench.editor.editor:CoTEditor",
        "FeatureTable": "cotlens.workbench.feature_table.table:FeatureTable",
        "ImportanceMap": "cotlens.widgets.importance_map:ImportanceMap",
        "LensGrid": "cotlens.widgets.lens_grid:LensGrid",
        "MonitorPanel": "cotlens.workbench.monitor_panel.panel:MonitorPanel",
        "PairMatrix": "cotlens.widgets.pair_matrix:PairMatrix",
        "PatchGrid": "cotlens.workbench.patch_grid.patch_grid:PatchGrid",
        "RolloutMap": "cotlens.workbench.rollout_map.rollout_map:RolloutMap",
        "Selection": "cotlens.widgets.shared.selection:Selection",
        "Session": "cotlens.workbench.session.session:Session",
        "SteeringPanel": "cotlens.workbench.steering_panel.panel:SteeringPanel",
        "Workbench": "cotlens.workbench.workbench.workbench:Workbench",
        "show": "cotlens.workbench.show:show",
        "CotLensError": "cotlens._core.errors:CotLensError",
    },
)
