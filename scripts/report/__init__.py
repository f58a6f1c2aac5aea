"""Parts of `compare`, and of `visualize_model`, which shows the same."""
