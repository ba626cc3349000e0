"""Readers of what others wrote: requests and responses of providers, transcripts, logs, rows of data sets, folders.

Each knows shapes, not providers: a thought is found wherever a message of that shape keeps it.

To add what a provider sends: a field of a message that holds its thought is a name in
`message_fields.THOUGHTS`, a piece of its content a function in `blocks`; where a response lists its answers is a
line in `exchange`, and that it is a response is seen by
`reading._is_response`. Whether the text is what the model wrote or a summary is decided in `statuses`;
token ids and log-probabilities that came along are found by `logprobs`. Messages of a library (LangChain, Pydantic
AI) are made a provider's by `libraries`; markers within a text are in `texts`, events of a stream in `streams`.

To add a file: a row of a data set or of an evaluation (lm-eval) is a function in `rows`; another kind of file a
module as `inspect_logs` and a line in `reading`, which tells formats by their shape and, in a folder, by their
ending. What they make is made of the parts of `cotlens.trace.parts`. Measurements that others published are results:
see `cotlens.measure.published_rollouts`.

Open `reading` first, then `messages`.
"""
