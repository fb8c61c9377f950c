"""The head of an order, and its lines."""

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.functional import keep_lazy_text

from billing_site.web.decimal_fields import PlainDecimalField
from billing_site.web.edits import EditForm
from inventory.forms import PlainNumber
from inventory.models import BillingPlatform, CatalogueItem
from ledger.forms import DayField
from ledger.models import Contract, Customer
from orders.errors import LINE_SENTENCES, ORDER_SENTENCES
from orders.models import OrderLine, SalesOrder
from orders.validators import normalise_cli

AMOUNTS = ("upfront_price", "upfront_cost", "recurring_price", "recurring_cost")
NUMBERS = ("quantity", *AMOUNTS)
ROUTES = ("upfront_route", "recurring_route")
DATES = ("connection_date", "activation_date", "delivery_date", "completion_date")


class ByCodeField(forms.CharField):
    """An object named by its code; the value is the object."""

    def __init__(self, *, rows: Any, missing: str, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 100)
        super().__init__(**kwargs)
        self.rows, self.missing = rows, missing

    def clean(self, value: Any) -> Any:
        code = super().clean(value)
        if not code:
            return None
        found = self.rows().filter(code__iexact=code).first()
        if found is None:
            raise forms.ValidationError(self.missing.format(code=code))
        return found


def suggested_by(page: str, field: str) -> dict[str, Any]:
    """Attributes of a text input that asks a list page for suggestions while one types."""
    return {
        "class": "form-control",
        "list": f"suggest-{field}",
        "autocomplete": "off",
        "hx-get": lazy_suggestions(page, field),
        "hx-trigger": "input changed delay:150ms",
        "hx-target": f"#suggest-{field}",
        "hx-swap": "innerHTML",
        "hx-params": field,
        "hx-sync": "this:replace",
        "hx-push-url": "false",
    }


@keep_lazy_text
def _with_part(url: str, field: str) -> str:
    return f"{url}?part=suggest&field={field}"


def lazy_suggestions(page: str, field: str) -> Any:
    """The address that answers with suggestions, looked up when it is rendered."""
    return _with_part(reverse_lazy(page), field)


class CustomerChoiceForm(forms.Form):
    """Whose order it is."""

    customer_code = ByCodeField(
        rows=Customer.objects.all,
        missing="There is no customer {code}. Type the code of one, or pick it from the list.",
        label="Customer code",
        widget=forms.TextInput(suggested_by("orders:order-list", "customer_code")),
    )


class OrderForm(EditForm):
    """The head of an order of one customer."""

    sentences = ORDER_SENTENCES
    ordered_on = DayField(label="Ordered on")

    class Meta:
        model = SalesOrder
        fields = ("contract", "ordered_on", "customer_reference", "site", "notes")
        widgets = {"notes": forms.Textarea({"rows": 3})}

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contracts = Contract.objects.filter(customer=customer).order_by("-is_default", "reference")
        self.fields["contract"].queryset = contracts
        self.fields["contract"].empty_label = None
        self.fields["contract"].help_text = "Decides the currency of the prices."


class LineForm(EditForm):
    """A line: what is sold, its charges, their routes, and what is to be billed (H-L7, D-13)."""

    item_code = ByCodeField(
        rows=CatalogueItem.objects.active,
        missing="There is no item {code} on sale. Type the code of one, or pick it from the list.",
        label="Item code",
        widget=forms.TextInput(suggested_by("orders:line-list", "item_code")),
    )
    sentences = LINE_SENTENCES

    class Meta:
        model = OrderLine
        fields = (
            "label",
            "package",
            *NUMBERS,
            "billing_months",
            *ROUTES,
            "upfront_do_not_bill",
            "recurring_do_not_bill",
            "do_not_bill_reason",
            "notes",
        )
        widgets = dict.fromkeys(NUMBERS, PlainNumber)
        field_classes = dict.fromkeys(NUMBERS, PlainDecimalField)

    def __init__(self, *args: Any, order: SalesOrder, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        packages = order.lines.filter(item__item_type="package").exclude(pk=self.instance.pk)
        self.fields["package"].queryset = packages
        self.fields["package"].empty_label = "No part of a package"
        if not packages.exists():
            del self.fields["package"]
        if self.instance.pk:
            del self.fields["item_code"]
        else:  # what is left empty comes from the item
            for name in AMOUNTS:
                self.fields[name].required = False
                self.initial[name] = None
                self.fields[name].help_text = "Empty: as in the catalogue."
        has_routes = BillingPlatform.objects.external().exists()
        for name in ROUTES:
            if not has_routes and not getattr(self.instance, f"{name}_id"):
                del self.fields[name]
            else:
                self.fields[name].empty_label = "Not set"
        if not self.instance.pk and has_routes:
            self.fields["as_item"] = forms.BooleanField(
                required=False, initial=True, label="Take the billing routes of the item"
            )

    @property
    def entries(self) -> dict[str, Any]:
        """What was typed; of a new line only what replaces what the item says."""
        entries = super().entries
        if self.instance.pk:
            return entries
        skipped = {name for name in AMOUNTS if entries.get(name) is None}
        if self.cleaned_data.get("as_item", True):
            skipped |= set(ROUTES)
        return {name: value for name, value in entries.items() if name not in skipped}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for name in AMOUNTS:
            if data.get(name) is not None and data[name] < 0:
                self.add_error(name, "Give zero or more.")
        if data.get("quantity") is not None and data["quantity"] <= 0:
            self.add_error("quantity", "Give a number above zero.")
        if (data.get("upfront_do_not_bill") or data.get("recurring_do_not_bill")) and not data.get(
            "do_not_bill_reason"
        ):
            self.add_error("do_not_bill_reason", "Say why the charge is not to be billed.")
        return data

    def _get_validation_exclusions(self) -> set[str]:
        """Empty amounts of a new line come from the item, so the model is not asked about them."""
        exclude = super()._get_validation_exclusions()
        return exclude | {"order", "item", *AMOUNTS} if not self.instance.pk else exclude


def cli_field(country: str) -> forms.CharField:
    """A CLI: a telephone number of the country as E.164, or another identifier."""

    class CliField(forms.CharField):
        def clean(self, value: Any) -> str:
            return normalise_cli(super().clean(value), country=country)

    return CliField(required=False, max_length=30, label="CLI")
