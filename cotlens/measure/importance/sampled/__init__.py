"""What the measures share that let the model write on. Open `settings` first, then `samples`.

`arms` says where rollouts begin, `samples` draws them, `effects` makes scores of them and `table` rows; `unread` and
`confirming` say what to hold against these. `rewriting` is what Mistake, Paraphrase and Filler have in common.
"""
