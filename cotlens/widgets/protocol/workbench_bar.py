"""The traits of the bar of a workbench. It asks nothing: a person sets `panels`, and Python hears of it."""

from __future__ import annotations

from typing import Literal

Width = Literal["half", "full"]
