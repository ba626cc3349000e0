"""Readers of what others wrote: requests and responses of providers, transcripts, logs, rows of data sets, folders.

Each knows shapes, not providers: a thought is found wherever a message of that shape keeps it.

Open `reading` first, then `messages`.
"""
