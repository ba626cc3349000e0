"""Statistics of what is sampled, in one place: intervals, noise floors, many units at once, how many rollouts.

    proportions   Wilson, Jeffreys and Newcombe intervals, the difference of two proportions, the n that is needed
    divergence    KL between answer distributions over a vocabulary, its bias, interval and floor
    means         the interval of a mean, and what samples that are all alike leave open
    null          the floor: what a statistic gives where nothing differs; Benjamini-Hochberg over units
    paired        the difference of two shares of the same items
    ranks         Spearman and Kendall with intervals; what position alone would explain
    detection     AUROC, true alarms at a rate of false ones, calibration with its floor, corrected prevalence
    raters        kappa, AC1, alpha and McNemar: how far raters agree beyond chance
    allocation    where the next rollouts of a trace go, and when they may stop

NaN stands for what was not measured: it goes in, and it comes out.

Open `proportions` first.
"""

from cotlens.measure.stats.allocation import Counts, allocate, half_widths
from cotlens.measure.stats.divergence import OTHER, kl, kl_floor, kl_interval, tally, unbiased_kl
from cotlens.measure.stats.means import alike, mean_interval
from cotlens.measure.stats.null import Floor, benjamini_hochberg, difference_floor, null_floor, permuted_p
from cotlens.measure.stats.proportions import (
    Difference,
    Interval,
    difference_interval,
    jeffreys,
    modified_wilson,
    n_for_difference,
    n_for_half_width,
    newcombe,
    proportion_difference,
    wilson,
)
from cotlens.measure.stats.ranks import (
    FEWEST_PAIRS,
    Position,
    correlation_interval,
    kendall,
    position_baseline,
    spearman,
)
from cotlens.measure.stats.raters import McNemar, mcnemar

__all__ = [
    "FEWEST_PAIRS",
    "OTHER",
    "Counts",
    "Difference",
    "Floor",
    "Interval",
    "McNemar",
    "Position",
    "alike",
    "allocate",
    "benjamini_hochberg",
    "correlation_interval",
    "difference_floor",
    "difference_interval",
    "half_widths",
    "jeffreys",
    "kendall",
    "kl",
    "kl_floor",
    "kl_interval",
    "mcnemar",
    "mean_interval",
    "modified_wilson",
    "n_for_difference",
    "n_for_half_width",
    "newcombe",
    "null_floor",
    "permuted_p",
    "position_baseline",
    "proportion_difference",
    "spearman",
    "tally",
    "unbiased_kl",
    "wilson",
]
