"""Parts of `visualize_model`."""
