from importlib import import_module

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "billing_site.web"
    label = "web"
    verbose_name = "Workplace"

    def ready(self) -> None:
        import_module("billing_site.celery")  # so that shared tasks bind to our Celery application
