"""What the tests share. Open `problem_set_test` first: what a test is, its settings and how it runs.

`runs` are what a model wrote on a problem set, and answers forced after edited thoughts; `conclusions` finds what a
thought concludes, by rule; `outcomes` are shares with intervals, the rows of a result.
"""
