"""Files of purchases: which column means what, and how a row becomes a purchase.

``fields`` lists what a purchase takes from a file, ``mappings`` says which column it is, ``rows``
turns raw rows into values or errors. Pure: no query, no clock, no settings.
"""
