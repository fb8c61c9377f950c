"""``manage.py import_purchases FILE``: import a file of purchases without the web pages."""

from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing_site.kernel.errors import DomainError
from billing_site.web.enums import RowVerdict
from invoicing.enums import ImportStatus
from invoicing.imports.mappings import NAMED_MAPPINGS
from invoicing.models import ImportBatch
from invoicing.selectors.imports import forecast_of
from invoicing.services import purchase_imports

ERRORS_SHOWN = 20


class Command(BaseCommand):
    help = "Import a CSV or XLSX file of purchases: check every row, then all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping",
            default="",
            choices=["", *NAMED_MAPPINGS],
            metavar="NAME",
            help=f"{' or '.join(NAMED_MAPPINGS)}; found by the header when not given",
        )
        parser.add_argument("--user", default="", help="whose import it is, by user name")
        parser.add_argument(
            "--check", action="store_true", help="say what would happen, import nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            batch = self._check(path, options)
            self._report(batch)
            if options["check"]:
                purchase_imports.discard_import(batch_id=batch.pk)
                return
            try:
                batch = purchase_imports.import_purchases(batch_id=batch.pk, at=timezone.now())
            except DomainError:
                purchase_imports.discard_import(batch_id=batch.pk)
                raise
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
        unmapped = batch.purchases.unmapped().count()
        purchase_imports.forget_imported_rows(batch_id=batch.pk)
        self.stdout.write(
            f"Imported {batch.brings:,} purchases; {unmapped:,} of them are on no invoice yet."
        )

    def _check(self, path: Path, options: dict[str, Any]) -> ImportBatch:
        users = get_user_model().objects.filter(username=options["user"])
        owner = users.first()
        if options["user"] and owner is None:
            raise CommandError(f"There is no user {options['user']}.")
        with path.open("rb") as stream:
            batch = purchase_imports.upload_purchases(
                file=File(stream, name=path.name),
                filename=path.name,
                owner=owner,
                mapping_name=options["mapping"],
            )
        try:
            batch = purchase_imports.check_purchases(batch_id=batch.pk)
        except DomainError:
            purchase_imports.discard_import(batch_id=batch.pk)
            raise
        if batch.status == ImportStatus.REFUSED:
            raise CommandError(batch.error)
        return batch

    def _report(self, batch: ImportBatch) -> None:
        for warning in batch.warnings:
            self.stderr.write(f"Note: {warning}")
        self.stdout.write(
            f"{batch.filename}, {batch.mapping_name}: {batch.rows_new:,} new, "
            f"{batch.rows_changed:,} changed, {batch.rows_unchanged:,} unchanged, "
            f"{batch.rows_error:,} with errors"
        )
        forecast = forecast_of(batch)
        if forecast is not None and batch.brings:
            reasons = ", ".join(f"{count:,} {reason.label}" for reason, count in forecast.reasons)
            self.stdout.write(
                f"{forecast.billed:,} would be billed, {forecast.waiting:,} would be on no invoice"
                + (f": {reasons}" if reasons else "")
            )
            if forecast.large:
                self.stdout.write(f"{forecast.large:,} with an unusually large quantity")
        wrong = batch.rows.filter(verdict=RowVerdict.ERROR)[:ERRORS_SHOWN]
        for row in wrong:
            for column, sentence in row.errors:
                place = f"row {row.number}, column {column}" if column else f"row {row.number}"
                self.stderr.write(f"{place}: {sentence}")
