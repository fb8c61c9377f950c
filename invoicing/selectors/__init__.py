"""Reads of the invoicing floor that are not one queryset."""
