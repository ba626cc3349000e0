"""The branches of an investigation as a widget: walk, name, note, prune, compare, undo."""
