"""Parts of the command `annotate`: texts in, entities out, in parts."""
