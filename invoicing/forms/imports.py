"""Forms of the purchase import: the upload, and which column means what."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.files.uploadedfile import UploadedFile

from billing_site.web.spreadsheets.tables import HeaderCell
from invoicing.imports.fields import FIELDS, IGNORED, METADATA
from invoicing.imports.mappings import NAMED_MAPPINGS, ColumnMapping

TARGETS = [
    (IGNORED, "not imported"),
    ("Fields", [(f.key, f"{f.label} *" if f.required else f.label) for f in FIELDS]),
    ("Other", [(METADATA, "kept as metadata")]),
]


class UploadForm(forms.Form):
    """A file, and how its columns are called."""

    file = forms.FileField(
        label="File",
        widget=forms.ClearableFileInput(
            attrs={"class": "form-control", "accept": ".csv,.xlsx", "aria-describedby": "help-file"}
        ),
        help_text="A CSV file, or the first sheet of an Excel workbook (.xlsx), with a header row.",
        max_length=200,
        allow_empty_file=True,  # the reader says it better
    )
    mapping = forms.ChoiceField(
        label="Columns",
        required=False,
        widget=forms.Select(attrs={"class": "form-select", "aria-describedby": "help-mapping"}),
        help_text="You can map each column by hand afterwards.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mapping: Any = self.fields["mapping"]
        mapping.choices = [("", "Found by the header"), *((n, n) for n in NAMED_MAPPINGS)]

    @property
    def upload(self) -> UploadedFile:
        return self.cleaned_data["file"]


class MappingForm(forms.Form):
    """One choice per column of a file, and the time zone of its times."""

    time_zone = forms.ChoiceField(
        label="Times without an offset are in",
        choices=[(name, name) for name in sorted(available_timezones())],
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(
        self, *args: Any, header: Sequence[HeaderCell], mapping: ColumnMapping, **kwargs: Any
    ) -> None:
        self.mapping = mapping
        self.columns = [cell for cell in header if cell.key]
        initial: dict[str, Any] = {"time_zone": mapping.time_zone}
        super().__init__(*args, initial=initial, **kwargs)
        for cell in self.columns:
            name = f"column-{cell.position}"
            self.initial[name] = mapping.columns.get(cell.key, IGNORED)
            self.fields[name] = forms.ChoiceField(
                label=f"Field of column {cell.letter}, {cell.name}",
                required=False,
                choices=TARGETS,
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def lines(self, samples: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
        """What the page shows per column: its name, the first values, the choice."""
        return [
            {
                "cell": cell,
                "samples": [row[cell.position] for row in samples],
                "field": self[f"column-{cell.position}"],
            }
            for cell in self.columns
        ]

    def chosen(self) -> ColumnMapping:
        """The mapping as it was chosen; its name is kept while nothing was changed."""
        columns = {c.key: self.cleaned_data[f"column-{c.position}"] for c in self.columns}
        zone = self.cleaned_data["time_zone"]
        same = columns == dict(self.mapping.columns) and zone == self.mapping.time_zone
        name = self.mapping.name if same else "Mapped by hand"
        return ColumnMapping(columns, zone, self.mapping.blank_words, name)
