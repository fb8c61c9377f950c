"""Pages of the orders floor."""
