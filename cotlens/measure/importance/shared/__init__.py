"""What the measures share that read one given thought: its `units`, what is done to them (`groups`, `edits`), and the
tables that come out (`table`, `pairs`).

Open `table` first.
"""
