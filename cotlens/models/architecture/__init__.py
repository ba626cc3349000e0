"""What a causal language model is made of, wherever it runs: layers (`layout`), masks, and what is kept of logits."""
