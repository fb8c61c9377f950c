"""The demo company: a reseller of telecom and cloud services, the same every time (fixed seed).

It stands on the top floor because its story uses every floor's services. Nothing here is used by
the product itself.
"""
