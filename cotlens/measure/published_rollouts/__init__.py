"""Published rollouts: what others sampled, read into the same traces and results as one's own measurements.

rollouts = cl.read_rollouts("problem_2238")    # a folder in the layout of Thought Anchors
rollouts.importance("resampling_accuracy")     # a Result: a row per sentence, with intervals
rollouts.pairs()                               # sentence to sentence

Open `rollouts` first.
"""

from cotlens.measure.published_rollouts.rollouts import Rollouts, read_rollouts

__all__ = ["Rollouts", "read_rollouts"]
