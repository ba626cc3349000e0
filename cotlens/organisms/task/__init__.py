"""The task: word problems whose symbols are known, and thoughts about them. Open `problem` first.

`problems` draws them and `prompts` tells them, in `words` or `everyday` ones; `thoughts` writes a thought, with what
`habits` and `plants` put into it, and `grammar` reads one back.
"""
