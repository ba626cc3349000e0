"""The steering panel and the model behind it. Open `panel` first: its settings become `runs`, kept in a `history`."""
