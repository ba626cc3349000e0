"""How much is measured: all its numbers in one place. Raising one adds cells, it takes none away."""

SEED = 2025  # of problems and of what the models write; no other part of the project uses it

# thoughts that are written, per model and stratum (see `thoughts.STRATA`)
WRITTEN = {
    "abacus": {"plain": 420, "long": 130, "fork": 110},
    "abacus-posthoc": {"plain": 420, "caused": 330},
    "abacus-hint": {"plain": 360, "caused": 60},
    "abacus-candid": {"plain": 360, "caused": 60},
    "abacus-shortcut": {"plain": 360, "caused": 90},
    "abacus-flip": {"plain": 360, "caused": 180},  # its habit takes nothing from the thought
}
STEPS = (2, 3, 4)  # changes in the problems, in turn
LONG_STEPS = (7,)  # of thoughts for what needs many sentences
FORK_STEPS = (1,)
WRITING_STEPS = 2  # at most, of thoughts for methods that have the model write on from every sentence
KNOWN_STEPS = (4, 5)  # of problems that `abacus-shortcut` knows

# thoughts that are measured, per model and question
THOUGHTS = 110  # that hold what matters; some give no rank, so that 100 are left
PARTLY = 255  # for a method that scores some sentences only
AGAIN = 50  # of `abacus`, that say what matters more than once
DEAD = {"abacus-posthoc": 110}  # in which nothing matters; of others:
DEAD_ELSEWHERE = 40
SHUFFLED = 30  # measured again on a copy of the model with shuffled weights
TRIED = 30  # whose "regenerated" labels are tried, which writes two thoughts each; the other labels are tried in all

# methods that sample
ROLLOUTS = 100  # per sentence
REROLLED = 10  # the same for methods that change a sentence and write on

# figures
BOOTSTRAP = 2000
RARE = 10  # thoughts off the commonest value below which drawing thoughts again says nothing of how rare that is
COVERED = 0.95  # least share of the model's probability that lies on the known ways to settle a fork
CAUGHT = 0.9  # share of important units above the threshold of a method without a test
SPLIT = 3  # every third thought of `abacus` sets that threshold, and counts in no figure of it
MARKED = 30  # thoughts below which a measure is not marked: too few would be at chance by their number alone
INSANE = 0.5  # rank correlation with shuffled weights from which a measure says more of the text than of the model

# `make truth` and the test that guards the table
SAMPLE = 2  # thoughts per question and model that are measured again
QUICK = 6

# the truth on pretrained weights
PLANTED_SENTENCES = 5
PLANTED_EACH = 4  # problems whose needed sentence stands at each place
PLANTED_ROLLOUTS = 400  # per sentence, and of the thought as it is
PLANTED_SAMPLING = {"temperature": 0.2, "top_p": 0.9}  # as the card of SmolLM2 recommends
PLANTED_ANSWER = 20  # tokens of an answer
PLANTED_COPIED = 0.8  # least share of its own answers that must copy the key for a problem to count
