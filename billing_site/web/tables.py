"""Columns of the lists that the workplace itself shows."""

import django_tables2 as tables

from billing_site.web.models import Job


class JobTable(tables.Table):
    title = tables.Column(verbose_name="Job", orderable=False)
    status = tables.Column(orderable=False)
    owner = tables.Column(orderable=False)
    done = tables.Column(orderable=False, attrs={"th": {"class": "num"}, "td": {"class": "num"}})
    skipped = tables.Column(orderable=False, attrs={"th": {"class": "num"}, "td": {"class": "num"}})
    failed = tables.Column(orderable=False, attrs={"th": {"class": "num"}, "td": {"class": "num"}})
    created_at = tables.Column(verbose_name="Asked for", order_by=("created_at",))
    finished_at = tables.Column(verbose_name="Ended", orderable=False)

    class Meta:
        model = Job
        fields = (
            "title",
            "status",
            "owner",
            "done",
            "skipped",
            "failed",
            "created_at",
            "finished_at",
        )
