"""What a model wrote as one text, thoughts and calls of tools within it, as parts.

Open `text` first.
"""
