"""The filters of the lists of the orders floor."""
