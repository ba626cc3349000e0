"""How the readers find an answer in a text: what is looked for, in which `order`, and what counts as said.

`boxes`, `fields` and `statements` are places where answers stand; `clauses` and `formulas` read the value behind a
lead, `options` the letter of a choice, and `corrections` says what a text takes back. Open `order` first.
"""
