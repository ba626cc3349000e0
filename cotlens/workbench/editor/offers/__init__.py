"""What the editor's menu offers for a trace: which entries (`offering`, open it first), at which `costs`."""
