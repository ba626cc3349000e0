"""What was tried in an investigation: every edit, cut, rerun, clamp and steering run, kept as a tree to be walked.

`tree` holds the branches and a person's steps among them, which can be undone; `node` is one branch. `differences` says
how two of them differ and what many of them answer, `words` where two texts differ, and `script` makes all of them
again. Knows no model and no widget. Open `tree` first.
"""
