"""The contents of the files for billing platforms."""
