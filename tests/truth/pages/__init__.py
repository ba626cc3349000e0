"""What was measured, for people: docs/truth.md, the tables of README, the marks in the package, and truth.json."""
