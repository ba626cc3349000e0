"""Responses that came in pieces: the events of a stream, each kind of API its own way, as the response that they spell.

Open `joining` first.
"""
