"""Scoring many continuations of one text: packed into few passes, or plain, one pass each. Open `dispatch` first.

`trie` lays out a packed pass, `trunk` runs what all branches share, `packed` the branches; `plain` is the reference,
and `verification` tries at load whether the two agree.
"""
