"""Rating and invoice arithmetic. Pure: no query, no clock, no settings; kernel and stdlib only.

``metering`` rounds measured quantities, ``price`` prices a quantity, ``selection`` says which
pricing rules apply, ``invoice`` turns usage into the items and totals of an invoice.
"""
