"""What a model answers when its thought is closed at a point (`forced`), in which words (`forms`), and which other
answers to watch (`rivals`, `stated`). Open `forced` first.

The reader that finds an answer in a text is another thing: `cotlens.trace.answers`.
"""
