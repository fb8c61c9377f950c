"""What the upload page says of the columns of a file, and the sample that it offers."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from invoicing.imports.mappings import OWN_COLUMNS
from invoicing.models import ImportBatch
from invoicing.services.purchase_imports import check_purchases

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage")]


@pytest.mark.requirement("H-CB4")
def test_the_upload_page_names_our_columns_and_offers_a_sample(finance):
    text = finance.get(reverse("invoicing:import-upload")).content.decode()
    for name, field in OWN_COLUMNS:
        row = text.split(f"<code>{name}</code>")[1].split("</tr>")[0]
        assert ("yes" in row) is field.required
        assert field.label in row
        assert field.example in row
    assert "FOCUS 1.0" in text
    assert reverse("invoicing:import-sample") in text


@pytest.mark.requirement("H-CB4")
def test_the_sample_is_a_file_that_can_be_imported(finance):
    sample = finance.get(reverse("invoicing:import-sample"))
    assert "attachment" in sample["Content-Disposition"]
    header, *rows = csv.reader(io.StringIO(sample.content.decode("utf-8-sig")))
    assert header == [column.name for column in OWN_COLUMNS]
    assert len(rows) == 3
    file = SimpleUploadedFile("sample.csv", sample.content)
    finance.post(reverse("invoicing:import-upload"), {"file": file})
    batch = check_purchases(batch_id=ImportBatch.objects.get().pk)
    assert (batch.rows_new, batch.rows_error, batch.mapping_name) == (3, 0, "Quittance columns")


def test_the_sample_is_for_those_who_import(auditor):
    assert auditor.get(reverse("invoicing:import-sample")).status_code == 403
