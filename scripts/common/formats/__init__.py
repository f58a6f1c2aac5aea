"""Annotated text in many formats, read as records in Prodigy's shape."""
