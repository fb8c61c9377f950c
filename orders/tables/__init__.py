"""The columns of the lists of the orders floor."""
