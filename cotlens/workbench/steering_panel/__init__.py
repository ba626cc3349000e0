"""The steering panel and the model behind it. Open `panel` first: dials become `runs`, and runs become tries."""
