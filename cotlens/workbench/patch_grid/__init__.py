"""The patch grid with a model behind it. Open `patch_grid` first.

`requests` checks what its view asks, `plans` says what is put where and how the model goes on, `work` does it on the
model's thread, `tokens` measures the tokens of a sentence that is opened.
"""
