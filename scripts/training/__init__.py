"""Parts of `sources` and `train_alternatives`."""
