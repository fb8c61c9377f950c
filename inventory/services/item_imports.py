"""Importing a file of catalogue items: upload, look at the verdicts, confirm (L-8, L-9, D-06).

The file is kept and read again when it is confirmed: nobody imports what they have not seen. It is
imported whole or not at all. Queries do not grow with the rows, but for batches of them.
"""

import datetime as dt
import secrets
from collections import Counter
from pathlib import Path
from typing import BinaryIO, cast

from django.contrib.auth.models import User
from django.core.files import File
from django.db import IntegrityError, connection, transaction

from billing_site.web.edits import constraint_of
from billing_site.web.enums import RowVerdict
from billing_site.web.spreadsheets.errors import SpreadsheetRefused
from billing_site.web.spreadsheets.reading import open_table
from inventory.errors import ItemImportHasChanged, ItemImportRefused
from inventory.imports.verdicts import (
    ItemFile,
    JudgedRow,
    changed_item,
    fingerprint_of,
    new_item,
)
from inventory.models import CatalogueItem, ItemImport, ItemImportRow

BATCH = 1_000


def upload_items(*, file: File, filename: str, owner: User) -> ItemImport:
    """Keep an uploaded file with the verdict of each of its rows; the catalogue stays as it is.

    :raises SpreadsheetRefused: the file is no usable table.
    :raises ItemImportRefused: it is a table of something else, or has too many rows.
    """
    found = ItemFile(open_table(cast(BinaryIO, file), filename))
    file.seek(0)
    with transaction.atomic():
        upload = ItemImport(owner=owner, filename=filename, warnings=found.warnings)
        stored = f"{secrets.token_urlsafe(16)}{Path(filename).suffix.lower()}"
        upload.file.save(stored, File(file), save=False)
        _keep_verdicts(upload, found.judge())
    return upload


def import_items(*, import_id: int, at: dt.datetime) -> ItemImport:
    """Write the rows of a checked file, all or nothing; once done, repeating it does nothing.

    :raises ItemImportRefused: errors in the file, nothing to import, or it was discarded.
    :raises ItemImportHasChanged: the verdicts are no longer those that were shown; they are now.
    """
    refused_by = ""
    try:
        with transaction.atomic():
            upload = _lock(import_id)
            if upload.is_imported:
                return upload
            _refuse_unready(upload)
            rows = _judge_again(upload)
            if fingerprint_of(rows) == upload.fingerprint:
                _write(rows)
                upload.commit(at=at)
                upload.save()
                return upload
    except IntegrityError as error:  # e.g. a category that was deleted at this moment
        refused_by = constraint_of(error) or "a rule of the database"
    with transaction.atomic():
        upload = _lock(import_id)
        seen = upload.fingerprint
        _keep_verdicts(upload, _judge_again(upload))
    if refused_by and upload.fingerprint == seen:
        raise ItemImportRefused(
            f"Nothing of {upload.filename} was imported: {refused_by} refused it. Look at the "
            "values once more and upload the file again."
        )
    raise ItemImportHasChanged(
        f"Nothing was imported yet: the catalogue was changed since the preview, and "
        f"{upload.filename} would do something else now. This is the new preview; look at it and "
        "confirm again."
    )


@transaction.atomic
def discard_import(*, import_id: int) -> None:
    """Give a file up; its rows are forgotten, its upload is kept with who and when.

    :raises ItemImportRefused: it is imported already.
    """
    upload = _lock(import_id)
    if upload.is_discarded:
        return
    if upload.is_imported:
        raise ItemImportRefused(f"{upload.filename} is imported already.")
    upload.discard()
    upload.save()
    upload.rows.all().delete()


def _judge_again(upload: ItemImport) -> list[JudgedRow]:
    """The verdicts of the kept file now; its items stay as they are until the transaction ends."""
    try:
        with upload.file.open("rb") as file:
            found = ItemFile(open_table(file.file, upload.filename))
    except (FileNotFoundError, SpreadsheetRefused) as error:
        raise ItemImportRefused(
            f"{upload.filename} can no longer be read; upload it again."
        ) from error
    items = CatalogueItem.objects.filter(guid__in=found.guids).order_by("pk")
    list(items.select_for_update(no_key=True).values_list("pk"))
    return found.judge()


def _keep_verdicts(upload: ItemImport, rows: list[JudgedRow]) -> None:
    counts = Counter(judged.verdict for judged in rows)
    upload.rows_new = counts[RowVerdict.NEW]
    upload.rows_changed = counts[RowVerdict.CHANGED]
    upload.rows_unchanged = counts[RowVerdict.UNCHANGED]
    upload.rows_error = counts[RowVerdict.ERROR]
    upload.fingerprint = fingerprint_of(rows)
    upload.save()
    upload.rows.all().delete()
    ItemImportRow.objects.bulk_create(
        (
            ItemImportRow(
                item_import=upload,
                number=judged.row.number,
                verdict=judged.verdict,
                code=judged.row.code,
                name=judged.row.name,
                changes=judged.changes,
                errors=judged.row.faults,
            )
            for judged in rows
        ),
        batch_size=BATCH,
    )


def _write(rows: list[JudgedRow]) -> None:
    new = [new_item(judged) for judged in rows if judged.verdict == RowVerdict.NEW]
    changed = [judged for judged in rows if judged.verdict == RowVerdict.CHANGED]
    CatalogueItem.objects.bulk_create(new, batch_size=BATCH)
    if changed:
        names = sorted({name for judged in changed for name in judged.fields})
        _update([changed_item(judged) for judged in changed], names)


def _update(items: list[CatalogueItem], names: list[str]) -> None:
    """Write these fields of all items in one statement; ``bulk_update`` takes minutes for it."""
    by_name = {field.name: field for field in CatalogueItem._meta.concrete_fields}
    fields = [by_name[name] for name in ("id", *names)]
    quote = connection.ops.quote_name
    columns = [quote(str(field.column)) for field in fields]
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    values = [[getattr(item, field.attname) for item in items] for field in fields]
    statement = (
        f"UPDATE {quote(CatalogueItem._meta.db_table)} AS stored "  # noqa: S608 - names of columns
        f"SET {', '.join(f'{column} = stated.{column}' for column in columns[1:])} "
        f"FROM unnest({arrays}) AS stated ({', '.join(columns)}) WHERE stored.id = stated.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _lock(import_id: int) -> ItemImport:
    return ItemImport.objects.select_for_update(no_key=True).get(pk=import_id)


def _refuse_unready(upload: ItemImport) -> None:
    if upload.is_discarded:
        raise ItemImportRefused(f"{upload.filename} was discarded: upload it again.")
    if upload.rows_error:
        rows = "1 row" if upload.rows_error == 1 else f"{upload.rows_error:,} rows"
        raise ItemImportRefused(
            f"{rows} of {upload.filename} cannot be imported, and a file is imported whole or not "
            "at all: correct the file and upload it again."
        )
    if not upload.brings:
        raise ItemImportRefused(
            f"{upload.filename} changes nothing: all its rows are in the catalogue as they are."
        )
