"""From a name, a folder or a loaded pair to a model in this process, with what is tried on it. Open `opening` first."""
