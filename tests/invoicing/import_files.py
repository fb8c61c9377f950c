"""Small files of purchases, uploaded, checked or imported."""

import datetime as dt
import io

from django.core.files import File

from invoicing.models import ImportBatch
from invoicing.services.purchase_imports import (
    check_purchases,
    import_purchases,
    upload_purchases,
)

AT = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
HEADER = "reference,customer_code,product_code,quantity,currency,purchased_at,total,source_date"


def line(
    reference="R1",
    code="C1",
    product="P1",
    quantity="2",
    total="10.50",
    day="2026-01-15",
    source="",
    currency="EUR",
):
    return f"{reference},{code},{product},{quantity},{currency},{day},{total},{source}"


def upload(*lines, header=HEADER, name="usage.csv", **options) -> ImportBatch:
    content = "\n".join([header, *lines, ""]).encode()
    options.setdefault("owner", None)
    return upload_purchases(file=File(io.BytesIO(content), name=name), filename=name, **options)


def checked(*lines, **options) -> ImportBatch:
    return check_purchases(batch_id=upload(*lines, **options).pk)


def imported(*lines, **options) -> ImportBatch:
    return import_purchases(batch_id=checked(*lines, **options).pk, at=AT)
