"""What many commands share: files, archives, annotated text, a NER in a pipeline."""
