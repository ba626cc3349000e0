"""The half of a backend that looks inside a model: activations, attention, gradients. Open `model` first."""
