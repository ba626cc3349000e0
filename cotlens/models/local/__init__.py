"""The engine in this process. Open `model` first, then `engine`, the one place where torch runs a pass.

`loading` opens models, `scoring` scores many branches at once, `latents` thinks in them; `decoding` writes one text,
`batched_decoding` many. `incremental` runs a sequence step by step behind its key-value cache, `padded_cache` is that
of many sequences; `budget` says how much fits into memory, `placement` on which devices the model is.
"""
