"""What the measures share that let the model write on. Open `settings` first, then `rollout_pool`.

`arms` says where rollouts begin, `rollout_pool` draws them, `effects` makes scores of them and `table` rows. `unread`
is about answers that could not be read, `confirming` about effects drawn again, `alternatives` and `similarity` about
what the model says instead. `rewriting` is what Mistake, Paraphrase and Filler have in common.
"""
