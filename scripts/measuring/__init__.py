"""Parts of `evaluate`, `tune` and `conflict_report`."""
