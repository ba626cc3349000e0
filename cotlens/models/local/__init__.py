"""The engine in this process. Open `model` first, then `engine`, the one place where torch runs a pass.

`loading` opens models, `scoring` scores many branches at once; `decoding` writes one text, `batched_decoding` many.
"""
