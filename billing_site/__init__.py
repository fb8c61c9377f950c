"""Quittance: settings, URLs and Celery, and below them what all apps share (web, kernel)."""
