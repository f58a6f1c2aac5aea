"""Parts of `check_fidelity`."""
