"""The editor and the model behind it. Open `editor` first: it takes requests and hands them to `work`, `measuring`."""
