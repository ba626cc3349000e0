"""What the measures share that let the model write on. Open `settings` first, then `samples`.

`arms` says where rollouts begin, `samples` draws them, `effects` makes scores of them and `table` rows. `unread` is
about answers that could not be read, `confirming` about findings drawn again, `alternatives` and `similarity` about
what the model says instead. `rewriting` is what Mistake, Paraphrase and Filler have in common.
"""
