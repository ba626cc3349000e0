"""The map of rollouts: `rollout_map` is the widget, `payload` what its view is told, `compared` that of one prompt.

Open `rollout_map` first.
"""
