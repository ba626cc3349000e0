"""The panel of monitors: readings of thoughts, two monitors side by side, and a person's own labels."""
