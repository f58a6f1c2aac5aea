"""Parts of `package`: the archives that are built of a package's folder."""
