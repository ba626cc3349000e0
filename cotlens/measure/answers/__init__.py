"""What a model answers when its thought is closed at a point (`forced`), in which words (`forms`), and which other
answers to watch (`rivals`, `stated`).
"""
