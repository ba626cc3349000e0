"""Workbench: the widgets of one investigation in one place, linked.

`workbench` opens, closes and places panels; `panels` is the table of what each of them is; `details` and `charts` are
the two that are no view of their own. Open `panels` first.
"""
