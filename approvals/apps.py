from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from approvals.selectors import decisions_open_to
        from invoicing.tables.invoice_steps import register_decisions

        register_decisions(decisions_open_to)
