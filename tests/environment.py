"""Pytest plugin, loaded before Django's settings: puts the process into test mode."""

import os

os.environ.setdefault("QUITTANCE_ENV", "test")
os.environ.setdefault("SECRET_KEY", "only-for-tests")
