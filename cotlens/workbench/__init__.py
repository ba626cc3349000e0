"""Where computing meets display: controllers that listen to a view, hand work to the model's thread, and write back.

One folder per widget with a model behind it, named as in `widgets`; none imports another's. `shared` is what their
controllers have in common, `show` finds the view of anything.

To add a widget, start at `cotlens.widgets`; where a model stands behind it, its controller is a folder here (as
`feature_table`, the plainest): a `Controller` of `shared`, its requests, its work on the model's thread, its payload.
"""
