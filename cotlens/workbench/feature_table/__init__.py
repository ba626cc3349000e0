"""The feature table, with a model and an autoencoder behind it. Open `table` first."""
