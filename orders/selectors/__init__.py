"""Reads of the orders floor that are not one queryset."""
