"""Forms of the purchase import: the file, and which column means what."""

from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from invoicing.imports.fields import FIELDS, IGNORED, METADATA
from invoicing.imports.mappings import NAMED_MAPPINGS, ColumnMapping, MappingRefused

TARGETS = [
    (IGNORED, "– not used –"),
    *((field.key, field.label + (" *" if field.required else "")) for field in FIELDS),
    (METADATA, "Keep as metadata"),
]


class UploadForm(forms.Form):
    """The file and, if the header is not enough to tell, its kind."""

    file = forms.FileField(
        label="File",
        help_text="CSV or XLSX, the first row names the columns.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx", "class": "form-control"}),
    )
    mapping = forms.ChoiceField(
        label="Kind of file",
        required=False,
        choices=[("", "Find out from the header"), *((name, name) for name in NAMED_MAPPINGS)],
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="You can correct the columns on the next page.",
    )


class MappingForm(forms.Form):
    """One choice for each column of the file, and the time zone of times without offset."""

    time_zone = forms.CharField(
        label="Time zone of times without offset",
        max_length=64,
        widget=forms.TextInput(attrs={"class": "form-control", "list": "time-zones"}),
    )

    def __init__(self, *args, mapping: ColumnMapping, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.mapping = mapping
        self.fields["time_zone"].initial = mapping.time_zone
        self.column_names: dict[str, str] = {}
        used_first = sorted(mapping.columns.items(), key=lambda pair: (pair[1] == IGNORED, pair[0]))
        for position, (header, target) in enumerate(used_first):
            name = f"column_{position}"
            self.column_names[name] = header
            self.fields[name] = forms.ChoiceField(
                label=header,
                choices=TARGETS,
                required=False,
                initial=target,
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    def columns(self) -> list[forms.BoundField]:
        """The fields of the columns, in the order of the file."""
        return [self[name] for name in self.column_names]

    def clean_time_zone(self) -> str:
        value: str = self.cleaned_data["time_zone"]
        if value not in available_timezones():
            raise ValidationError(f"{value} is no time zone. Give a name like Europe/Berlin.")
        return value

    def clean(self) -> dict:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.chosen().check()
            except MappingRefused as refusal:
                raise ValidationError(str(refusal)) from refusal
        return cleaned

    def chosen(self) -> ColumnMapping:
        """The mapping as it stands in the form."""
        columns = {
            header: self.cleaned_data.get(name, IGNORED)
            for name, header in self.column_names.items()
        }
        unchanged = columns == dict(self.mapping.columns)
        return ColumnMapping(
            columns=columns,
            time_zone=self.cleaned_data["time_zone"],
            blank_words=self.mapping.blank_words,
            name=self.mapping.name if unchanged else "Adjusted",
        )
