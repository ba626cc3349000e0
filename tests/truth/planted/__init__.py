"""A truth on pretrained weights: thoughts in which one sentence alone says what the answer is.

- `problems`: what is planted, and the question.
- `rollouts`: the truth, by what SmolLM2 itself writes from before and from after each sentence.
- `measures`: every measure of a forced answer on the same thoughts, in three formats.
- `figures`: how often they find the sentence, and whether formats agree.
"""

CELLS = ("planted-rollouts", "planted-measures")
