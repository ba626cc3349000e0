"""Colours that stay apart for every kind of colour vision (Okabe and Ito 2008)."""

POSITIVE = "#e69f00"
NEGATIVE = "#0072b2"
LINES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#8a5a2b"]
INK = "#767676"
"""Text and lines: a contrast of 4.5 with white and 4.2 with a dark page's black, so that one picture serves both."""
