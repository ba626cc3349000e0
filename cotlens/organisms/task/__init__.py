"""The task: word problems whose symbols are known, and thoughts about them. Open `problem` first.

`problems` draws them and `prompts` puts them into sentences, in `words` or `everyday` ones; `thoughts` writes a
thought, with what `behaviours` and `injected_errors` put into it, and `grammar` reads one back. `terse` are thoughts of
five tokens a change, which latents stand for.
"""
