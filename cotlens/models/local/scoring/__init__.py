"""Scoring many continuations of one text: packed, forked, or plain, one pass each. Open `dispatch` first.

`trie` lays out a packed pass, `trunk` runs what all branches share, `packed` the branches. Models that remember in a
state are scored by `forked`, over the rows of `forked_rows`, from the places that `forked_trunk` walks past. `plain` is
the reference, and `verification` tries at load which of the two agrees with it.
"""
