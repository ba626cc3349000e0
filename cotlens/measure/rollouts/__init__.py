"""Many rollouts beside each other: their sentences aligned, the prefixes they share, and where their answers part.

    sentences   what a sentence says, as a vector of its words and numbers
    aligning    sentences of many rollouts in common columns
    prefixes    the tree of shared prefixes, exact by token, and where the distribution of answers shifts
    placing     rollouts on a plane

Nothing here needs a model or a network.

Open `aligning` first.
"""

from cotlens.measure.rollouts.aligning import Alignment, align
from cotlens.measure.rollouts.placing import Plane, place
from cotlens.measure.rollouts.prefixes import Prefix, prefixes

__all__ = ["Alignment", "Plane", "Prefix", "align", "place", "prefixes"]
