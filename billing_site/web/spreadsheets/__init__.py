"""Spreadsheets in and out: bounded reading of uploads, safe writing of exports.

Pure functions over files; no models. ``reading.open_table`` opens an upload, ``cells`` turns raw
cells into values or refusals, ``writing`` streams exports. Reliability promises R11 and R12.
"""
