"""The half of every backend that is about text: what is to be written, and the traces made of it. Open `model` first.

`writing` and `rollouts` turn a request into traces (`traces`), by `sampling` or out of the `sample_store`;
`forced_answers` closes a thought for the model.
"""
