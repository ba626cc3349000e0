"""The map of rollouts: `rollout_map` is the widget, `payload` what its view is told. Open `rollout_map` first."""
