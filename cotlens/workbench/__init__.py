"""Where computing meets display: controllers that listen to a view, hand work to the model's thread, and write back.

One folder per widget with a model behind it, named as in `widgets`; none imports another's. `shared` is what their
controllers have in common, `show` finds the view of anything.
"""
