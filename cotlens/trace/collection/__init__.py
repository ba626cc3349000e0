"""Collections of traces: many rollouts of one question, or what a file held; saved in one file and paged from it.

Open `traces` first.
"""
