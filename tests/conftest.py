"""Shared pytest configuration."""

import os

os.environ.setdefault("QUITTANCE_ENV", "test")
os.environ.setdefault("SECRET_KEY", "only-for-tests")
