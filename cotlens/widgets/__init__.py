"""The Python half of each view: traits and messages, nothing of models.

A view draws what its traits hold and reports what a person does. Controllers in `cotlens.workbench` fill the
traits and answer the messages. The other half of each view is TypeScript in `widgets/<name>/`. What crosses is declared
in `protocol`, once for both. To add a view, write a module here, a folder there,
and its shapes in `protocol`; `CONTRIBUTING.md` lists the lines that make it known.

Open `editor` first.
"""

from cotlens._core.lazy import lazy_attributes

__all__ = [
    "BranchTreeView",
    "EditorView",
    "FeatureTableView",
    "ImportanceMap",
    "LensGrid",
    "MonitorPanelView",
    "PairMatrix",
    "PatchGridView",
    "RolloutView",
    "SteeringView",
    "WidgetsNotBuilt",
    "WorkbenchBar",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "BranchTreeView": "cotlens.widgets.branch_tree:BranchTreeView",
        "EditorView": "cotlens.widgets.editor:EditorView",
        "FeatureTableView": "cotlens.widgets.feature_table:FeatureTableView",
        "ImportanceMap": "cotlens.widgets.importance_map:ImportanceMap",
        "LensGrid": "cotlens.widgets.lens_grid:LensGrid",
        "MonitorPanelView": "cotlens.widgets.monitor_panel:MonitorPanelView",
        "PairMatrix": "cotlens.widgets.pair_matrix:PairMatrix",
        "PatchGridView": "cotlens.widgets.patch_grid:PatchGridView",
        "RolloutView": "cotlens.widgets.rollout_map:RolloutView",
        "SteeringView": "cotlens.widgets.steering_panel:SteeringView",
        "WidgetsNotBuilt": "cotlens.widgets.shared.bundles:WidgetsNotBuilt",
        "WorkbenchBar": "cotlens.widgets.workbench_bar:WorkbenchBar",
    },
)
