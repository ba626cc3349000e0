"""Where computing meets display: controllers that listen to a view, hand work to the model's thread, and write back."""
