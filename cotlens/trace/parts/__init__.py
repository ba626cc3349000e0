"""Parts of a trace that came from elsewhere: turns of any number, thoughts with a status, calls of tools, results.

Open `part` first, then `focusing`: a focus is one thought with what stands before it as the prompt.
"""
