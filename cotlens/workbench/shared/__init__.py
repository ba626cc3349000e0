"""What the controllers of all widgets share. Open `controller` first, then `jobs`.

`messages` checks what a view sends, `tree` keeps the branches, `layout` counts positions in UTF-16 as browsers do.
`writing` and `stream` show text as it is written, within its `limits`; `pace`, `costs` and `interrupts` are about work
that takes long; `compare` holds two branches side by side.
"""
