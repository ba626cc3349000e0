"""Where a text is cut into sentences, paragraphs and lines (`splitters`), in every script (`terminators`).

Open `splitters` first.
"""
