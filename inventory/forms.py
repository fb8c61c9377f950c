"""What people type about catalogue items."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from billing_site.web.decimal_fields import PlainDecimalField, plain
from billing_site.web.edits import EditForm
from billing_site.web.tree_fields import TreeChoiceField
from inventory.errors import ITEM_SENTENCES
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
from inventory.validators import validate_column_names

AMOUNTS = ("upfront_price", "upfront_cost", "recurring_price", "recurring_cost")
NUMBERS = (*AMOUNTS, "metering_minimum", "metering_increment")
LONGEST_COLUMN_NAME = 60
ROUTES = ("upfront_route", "recurring_route")


class PlainNumber(forms.TextInput):
    """A number to type over: no grouping, no zeros that only fill up decimals."""

    def __init__(self) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off"})

    def format_value(self, value: Any) -> str | None:
        return plain(value) if isinstance(value, Decimal) else super().format_value(value)


class CatalogueItemForm(EditForm):
    """Create or change a catalogue item, with both billing routes (L-5, L-6, L-7).

    The routes are asked for once there is an external platform (L-15).
    """

    category = TreeChoiceField(
        ProductCategory.objects.all(), help_text="Pricing rules follow the category."
    )
    sentences = ITEM_SENTENCES

    class Meta:
        model = CatalogueItem
        fields = (
            "code",
            "name",
            "kind",
            "item_type",
            "category",
            "unit",
            "active",
            *AMOUNTS,
            *ROUTES,
            "platform_code",
            "metering_minimum",
            "metering_increment",
        )
        widgets = dict.fromkeys(NUMBERS, PlainNumber)
        field_classes = dict.fromkeys(NUMBERS, PlainDecimalField)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "Purchases name the item by it."
        self.fields["item_type"].label = "Type"
        self.fields["active"].help_text = "An inactive item stays on invoices and is not sold."
        self.has_routes = (
            BillingPlatform.objects.external().exists()
            or self.instance.upfront_route_id is not None
            or self.instance.recurring_route_id is not None
        )
        if not self.has_routes:
            for name in (*ROUTES, "platform_code"):
                del self.fields[name]
        else:
            for name in ROUTES:
                self.fields[name].empty_label = "Not set: in-house"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in AMOUNTS:
            if data.get(name) is not None and data[name] < 0:
                self.add_error(name, "Give zero or more; a reduction is a pricing rule.")
        if data.get("metering_minimum") is not None and data["metering_minimum"] < 0:
            self.add_error("metering_minimum", "Give zero or more.")
        if data.get("metering_increment") is not None and data["metering_increment"] <= 0:
            self.add_error("metering_increment", "Give a number above zero, or leave it empty.")
        return data


class ItemUploadForm(forms.Form):
    """A file of items."""

    file = forms.FileField(
        label="File",
        widget=forms.ClearableFileInput(
            attrs={"class": "form-control", "accept": ".csv,.xlsx", "aria-describedby": "help-file"}
        ),
        help_text="A CSV file, or the first sheet of an Excel workbook (.xlsx), with a header row.",
        max_length=200,
        allow_empty_file=True,  # the reader says it better
    )

    @property
    def upload(self) -> UploadedFile:
        return self.cleaned_data["file"]


class ColumnNamesField(forms.CharField):
    """Names one per line or separated by commas; a list of texts."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        text = super().clean(value)
        names = [name.strip() for line in text.splitlines() for name in line.split(",")]
        names = [name for name in names if name]
        for name in names:
            if len(name) > LONGEST_COLUMN_NAME:
                raise forms.ValidationError(
                    f"“{name[:40]}…” has {len(name)} characters, a column name at most "
                    f"{LONGEST_COLUMN_NAME}. Shorten it."
                )
        validate_column_names(names)
        return names

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)
