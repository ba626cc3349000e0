"""What sentences of a thought do: the nine categories of Thought Anchors, by rules, hand or monitor, or as published.

    tags = cl.categories.tag(trace)                  # a category per sentence, with its source and confidence
    cl.categories.monitored(reading, trace)          # the same by a judge with the rubric cl.categories.RUBRIC
    cl.categories.agreement(tags, other)             # kappa with an interval
    cl.categories.importance(results, tags)          # importance by category, with a bootstrap over traces

Open `tags` first.
"""

from cotlens.measure.categories.agreeing import Agreement, agreement
from cotlens.measure.categories.by_category import importance
from cotlens.measure.categories.monitored import RUBRIC, monitored
from cotlens.measure.categories.rules import tag
from cotlens.measure.categories.tags import CATEGORIES, Tags, published

__all__ = ["CATEGORIES", "RUBRIC", "Agreement", "Tags", "agreement", "importance", "monitored", "published", "tag"]
