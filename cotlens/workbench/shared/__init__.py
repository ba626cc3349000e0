"""What the controllers of all widgets share. Open `controller` first, then `tree_controller` (branches) and `jobs`.

`messages` checks what a view sends, `origin` names branches (`cotlens.workbench.branches` keeps them); `document` is a
trace as views show it, with positions that `layout` counts in UTF-16 as browsers do. `writing` and `stream` show text
as it is written, within its `limits`; `pace` and `interrupts` are about work that takes long; `compare` holds two
branches side by side, `changed` those that were written under a change of the model.
"""
