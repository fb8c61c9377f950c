"""WSGI entry point for gunicorn.

Everything is loaded before the workers are forked, and frozen: they share its memory, and their
collector does not walk it in the middle of requests.
"""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings")
application = get_wsgi_application()
import_module("billing_site.urls")  # with it, every view and form
gc.freeze()
