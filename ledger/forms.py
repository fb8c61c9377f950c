"""What people type about customers, contracts and payments."""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.renderers import BaseRenderer
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from billing_site.kernel.money import ACTIVE_CURRENCIES
from billing_site.web.decimal_fields import PlainDecimalField
from billing_site.web.edits import EditForm
from billing_site.web.tree_fields import TreeChoiceField
from ledger.enums import PaymentMethod, TermsKind
from ledger.errors import CONTRACT_SENTENCES, CUSTOMER_SENTENCES
from ledger.models import Contract, Customer, CustomerCluster
from ledger.validators import COUNTRY_LIST, validate_plain_text

EARLIEST, LATEST = dt.date(1990, 1, 1), dt.date(2099, 12, 31)
SENSIBLE_DAY = [
    MinValueValidator(EARLIEST, message=f"Give a day from {EARLIEST:%Y-%m-%d} on."),
    MaxValueValidator(LATEST, message=f"Give a day up to {LATEST:%Y-%m-%d}."),
]
MOST_METADATA = 50
KEY_LENGTH, VALUE_LENGTH = 60, 500
SPARE_ROWS = 2


class DayField(forms.DateField):
    """A date within the years that a back office deals with, typed as 2026-03-31."""

    default_validators = SENSIBLE_DAY

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        kwargs.setdefault("input_formats", ["%Y-%m-%d"])
        kwargs.setdefault(
            "error_messages", {"invalid": "This is no day. Give it as YYYY-MM-DD, e.g. 2026-03-31."}
        )
        super().__init__(**kwargs)


class KeyValueWidget(forms.Widget):
    """Rows of a name and a value, with spare rows; without script a saved form brings more."""

    template_name = "ledger/_key_values.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        rows = list(value.items()) if isinstance(value, dict) else list(value or [])
        shown = [*rows, *[("", "")] * SPARE_ROWS][:MOST_METADATA]
        return super().get_context(name, value, attrs) | {
            "rows": list(enumerate(shown, start=1)),
            "key_length": KEY_LENGTH,
            "value_length": VALUE_LENGTH,
        }

    def _render(
        self, template_name: str, context: dict[str, Any], renderer: BaseRenderer | None = None
    ) -> SafeString:
        return render_to_string(template_name, context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[tuple[str, str]]:
        get = data.getlist if hasattr(data, "getlist") else lambda key: data.get(key, [])
        keys, values = get(f"{name}_key"), get(f"{name}_value")
        longest = max(len(keys), len(values))
        keys = [*keys, *[""] * (longest - len(keys))]
        values = [*values, *[""] * (longest - len(values))]
        return [(k.strip(), v.strip()) for k, v in zip(keys, values, strict=True) if k or v]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}_key" not in data


class KeyValueField(forms.Field):
    """Free fields of a record: unique names, plain texts; the value is a dict."""

    widget = KeyValueWidget

    def clean(self, value: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        if len(value or []) > MOST_METADATA:
            raise forms.ValidationError(f"Keep at most {MOST_METADATA} of these fields.")
        for number, (key, text) in enumerate(value or [], start=1):
            if not key:
                raise forms.ValidationError(
                    f"Row {number} has a value but no name. Name it, or clear the value."
                )
            if key in found:
                raise forms.ValidationError(f"The name {key} stands twice; keep one of the two.")
            if len(key) > KEY_LENGTH or len(text) > VALUE_LENGTH:
                raise forms.ValidationError(
                    f"Row {number} is too long: a name has up to {KEY_LENGTH} characters, a "
                    f"value up to {VALUE_LENGTH}."
                )
            for part in (key, text):
                validate_plain_text(part)
            found[key] = text
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return dict(initial or {}) != dict(data or [])


def _country_choices() -> list[tuple[str, str]]:
    return [("", "No country"), *((code, code) for code in COUNTRY_LIST.split())]


class CustomerForm(EditForm):
    """Create or change a customer; the code is fixed once it is stored."""

    cluster = TreeChoiceField(
        CustomerCluster.objects.all(),
        help_text="Pricing rules, number schemes and approval processes follow the cluster.",
    )
    bill_from = DayField(
        label="Bill From",
        help_text="The first invoice is for the period of this day; no effect once there is one.",
    )
    country = forms.ChoiceField(
        choices=_country_choices,
        required=False,
        widget=forms.Select(attrs={"data-names": "region"}),
    )
    time_zone = forms.CharField(
        max_length=64,
        initial="Europe/Berlin",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
        help_text="Days begin here when purchases are put into periods.",
    )
    metadata = KeyValueField(required=False, label="More fields")
    sentences = CUSTOMER_SENTENCES

    class Meta:
        model = Customer
        fields = (
            "code",
            "name",
            "cluster",
            "bill_from",
            "frequency_count",
            "frequency_unit",
            "align_with_calendar",
            "contact_name",
            "email",
            "phone",
            "street",
            "postal_code",
            "city",
            "country",
            "vat_id",
            "language",
            "time_zone",
            "metadata",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["code"].disabled = True
            self.fields["code"].help_text = "Stands on invoices and in purchases; never changes."
        else:
            self.fields["code"].help_text = "Purchases name the customer by it; never changes."
        self.fields["frequency_unit"].label = "Unit"
        self.fields[
            "align_with_calendar"
        ].help_text = "Periods begin on the first of a month, not on the day of Bill From."

    @property
    def time_zones(self) -> list[str]:
        """What the time zone field offers while typing."""
        return sorted(zone for zone in available_timezones() if "/" in zone)


class ContractForm(EditForm):
    """Create or change a contract; the currency is fixed once it is stored."""

    currency = forms.ChoiceField(
        choices=lambda: [(code, code) for code in ACTIVE_CURRENCIES],
        initial="EUR",
        widget=forms.Select(attrs={"data-names": "currency"}),
        help_text="Of every invoice of the contract; never changes.",
    )
    reference = forms.CharField(
        max_length=60,
        required=False,
        validators=[validate_plain_text],
        help_text="Empty: made from the code of the customer.",
    )
    starts_on = DayField(required=False, label="Starts on")
    ends_on = DayField(required=False, label="Ends on", help_text="The last day is billed.")
    sentences = CONTRACT_SENTENCES

    class Meta:
        model = Contract
        fields = (
            "reference",
            "currency",
            "terms_kind",
            "terms_days",
            "terms_months",
            "starts_on",
            "ends_on",
            "is_default",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            stored = self.instance.currency
            self.fields["currency"].choices = [(stored, stored)]
            self.fields["currency"].disabled = True
            self.fields["reference"].required = True
            self.fields["reference"].help_text = "Unique; stands in the ledger and in exports."
        self.fields["is_default"].label = "Default contract"
        self.fields["is_default"].help_text = "Purchases that name no contract are billed here."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (
            data.get("terms_kind") == TermsKind.NET_DAYS
            and data.get("terms_months")
            and "terms_months" not in self.errors
        ):
            self.add_error(
                "terms_months", "Months belong to a day of a later month; put 0 for net days."
            )
        by_day = data.get("terms_kind") == TermsKind.DAY_OF_MONTH
        if by_day and data.get("terms_days") is not None and not 1 <= data["terms_days"] <= 31:
            self.add_error("terms_days", "Give a day of the month from 1 to 31.")
        return data


class FirstContractForm(ContractForm):
    """The default contract that is made with its customer."""

    starts_on = ends_on = version = None

    class Meta(ContractForm.Meta):
        fields = ("currency", "reference", "terms_kind", "terms_days", "terms_months")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "contract")
        super(ContractForm, self).__init__(*args, **kwargs)
        self.fields["reference"].label = "Contract reference"


class SuspendForm(forms.Form):
    """Why billing stops."""

    reason = forms.CharField(
        max_length=200,
        validators=[validate_plain_text],
        help_text="Shown on the customer's page and kept in the history.",
    )


class BankCodeField(forms.CharField):
    """An IBAN or BIC as people copy it, in groups or small letters; the value is compact."""

    def to_python(self, value: Any) -> str:
        return "".join(str(super().to_python(value)).split()).upper()

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)  # a browser would cut what is pasted with spaces
        return attrs


class PaymentForm(forms.Form):
    """Money received, typed by hand (H-B2)."""

    operation = forms.UUIDField(widget=forms.HiddenInput)
    amount = PlainDecimalField(
        max_digits=19,
        decimal_places=4,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={
            "invalid": "This is no amount. Give digits with a point, e.g. 1234.50.",
            "required": "Give the amount that was received, e.g. 1234.50.",
        },
    )
    method = forms.ChoiceField(choices=PaymentMethod.choices)
    booking_date = DayField(required=False, help_text="When it was received. Empty: today.")
    transaction_reference = forms.CharField(
        max_length=80,
        required=False,
        validators=[validate_plain_text],
        help_text="The number on the bank statement.",
    )
    note = forms.CharField(max_length=200, required=False, validators=[validate_plain_text])
    is_checked = forms.BooleanField(required=False, label="I have checked it; record it like this")

    @classmethod
    def empty(cls) -> "PaymentForm":
        """A new form with a new operation: sent twice, it records one payment (R6)."""
        return cls(initial={"operation": uuid.uuid4()})
