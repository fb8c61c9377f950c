"""Columns of the lists that the workplace itself shows."""

import django_tables2 as tables

from billing_site.web.models import Job


def with_class(names: str) -> dict[str, dict[str, str]]:
    """Attributes of a column whose header and cells have these classes."""
    return {"th": {"class": names}, "td": {"class": names}}


# Lesser columns are hidden where a list has less room than on a wide screen, the least ones
# earlier, the minor ones only where hardly any room is left; a row that is written by hand gives
# its cells the same class.
LESSER, LEAST, MINOR = with_class("lesser"), with_class("least"), with_class("minor")
LESSER_NUMBER, LEAST_NUMBER = with_class("num lesser"), with_class("num least")


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
