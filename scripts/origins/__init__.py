"""Parts of `sources`: where a source pipeline may come from."""
