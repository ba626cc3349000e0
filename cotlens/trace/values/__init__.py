"""Values: how numbers, letters, lists and formulas are written, and one normal form for those that mean the same.

Open `normal` first.
"""

from cotlens.trace.values.normal import normal_form
from cotlens.trace.values.numbers import Numeral, number, numerals

__all__ = ["Numeral", "normal_form", "number", "numerals"]
