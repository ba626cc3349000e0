"""How much `make truth` measures: all its numbers in one place. The whole takes under 15 minutes on two quiet cores."""

SEED = 2025  # of problems and of what the models write; no other part of the project uses it
TRACES = {"abacus": 24}  # thoughts written per model; of others:
SIBLING_TRACES = 10  # half with the cause of the sibling's habit in the prompt, half without
FORKS = 20  # short problems with a choice left open, of `abacus`
FORK_STEPS = 1  # changes in their problems
ROLLOUTS = 100  # per sentence, for methods that sample
REROLLED = 10  # the same for methods that change a sentence and write on
ROLLED = 3  # thoughts of `abacus` and of `abacus-posthoc`, the shortest, that methods which sample are asked about
REWRITTEN = 8  # thoughts per model whose "regenerated" labels are tried, which writes two thoughts each
SHUFFLED = 6  # thoughts measured again on a copy of the model with shuffled weights
QUICK = 6  # thoughts of the test that guards the table
QUICK_STEPS = 2  # changes in their problems
COVERED = 0.95  # least share of the model's probability that lies on the known ways to settle a fork
BOOTSTRAP = 2000
CAUGHT = 0.9  # share of the important units of `abacus` that lie above the threshold of false alarms
