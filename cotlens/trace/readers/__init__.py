"""Readers of what others wrote: requests and responses of providers, transcripts, logs, rows of data sets, folders.

Each knows shapes, not providers: a thought is found wherever a message of that shape keeps it.

To add a format: a place where messages keep their thought is a line in `messages` or `blocks`; markers within a text
are in `texts`, events of streams in `streams`; a row of a data set is a function in `rows`; another kind of file is a
module as `agents`, and a line in `reading`, which tells formats by their shape. What they make is made of the parts of
`cotlens.trace.parts`. Measurements that others published are results: see `cotlens.measure.published_rollouts`.

Open `reading` first, then `messages`.
"""
