"""The half of every backend that writes: from a request to tokens, and from tokens to traces. Open `model` first.

`jobs` says what is to be written; `writing` and `rollouts` answer requests, by `sampling` or from the `sample_store` on
disk; `samples` are sequences as they are written, `traces` makes traces of them, and `forced_answers` closes a thought
for the model.
"""
