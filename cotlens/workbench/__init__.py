"""Where computing meets display: controllers that listen to a view, hand work to the model's thread, and write back.

One folder per widget whose requests are answered in Python, named as in `widgets`; none imports another's, but the
map of rollouts, which opens them in the editor, and `workbench`, which holds them as panels. `shared` is what their
controllers have in common, `show` finds the view of anything.

To add a widget, start at `cotlens.widgets`; where a model stands behind it, its controller is a folder here (as
`feature_table`, the plainest): a `Controller` of `shared`, its requests, its work on the model's thread, its payload.
"""
