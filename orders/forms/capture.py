"""One row of the Data Capture grid (D-04)."""

import datetime as dt
from typing import Any

from django import forms

from ledger.forms import DayField
from ledger.validators import validate_plain_text
from orders.enums import TRIGGER_DATES, BillStatus, Track
from orders.forms.orders import cli_field
from orders.models import OrderLine
from orders.services.capture import BillingChange, Captured

TEXTS = {"serial": 60, "supplier": 80}
BILLING = ("upfront_status", "recurring_status", "bill_start_override", "reason")


class CaptureForm(forms.Form):
    """What can be typed about a line; billing fields only with ``may_update_billing`` (D-03)."""

    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        line: OrderLine,
        country: str,
        version: int,
        may_update_billing: bool,
    ) -> None:
        self.line, self.may_update_billing = line, may_update_billing
        self.date_name = TRIGGER_DATES.get(line.item.item_type, "")
        initial: dict[str, Any] = {"version": version}
        super().__init__(data, prefix=f"line-{line.pk}", initial=initial)
        where = f"line {line.position}"
        self._add("cli", cli_field(country), f"CLI of {where}")
        for name, longest in TEXTS.items():
            field = forms.CharField(
                required=False, max_length=longest, validators=[validate_plain_text]
            )
            self._add(name, field, f"{OrderLine._meta.get_field(name).verbose_name} of {where}")
        if self.date_name:
            self._add(self.date_name, DayField(required=False), f"{self.date_label} of {where}")
        if may_update_billing:
            for track in Track:
                name = f"{track.value}_status"
                if not self._has_status(track):
                    continue
                self._add(
                    name,
                    forms.ChoiceField(choices=BillStatus.choices),
                    f"{track.label} bill status of {where}",
                )
                self.fields[f"seen_{track.value}"] = forms.ChoiceField(
                    choices=BillStatus.choices, widget=forms.HiddenInput, required=False
                )
                initial[f"seen_{track.value}"] = line.status_of(track)
            self._add(
                "bill_start_override", DayField(required=False), f"Bill start override of {where}"
            )
            reason = forms.CharField(
                required=False, max_length=200, validators=[validate_plain_text]
            )
            self.fields["reason"] = reason
            reason.widget.attrs |= {
                "aria-label": f"Reason for the change of {where}",
                "placeholder": "Why, when changed by hand",
                "class": "form-control form-control-sm",
            }

    def _add(self, name: str, field: forms.Field, label: str) -> None:
        select = isinstance(field, forms.ChoiceField)
        field.widget.attrs |= {
            "aria-label": label,
            "class": "form-select form-select-sm" if select else "form-control form-control-sm",
            "data-column": "date" if name == self.date_name else name,
        }
        self.fields[name] = field
        self.initial[name] = getattr(self.line, name)

    def _has_status(self, track: Track) -> bool:
        """A charge without route or amount has no status to set (D-11)."""
        applies = self.line.track_facts(track).is_applicable
        return applies or self.line.status_of(track) != BillStatus.NOT_BILLED

    @property
    def date_label(self) -> str:
        """``Connection date``."""
        return self.date_name.replace("_", " ").capitalize()

    @property
    def date(self) -> Any:
        """The bound field of the date that makes this type of item ready; None: no date does."""
        return self[self.date_name] if self.date_name else None

    @property
    def is_touched(self) -> bool:
        """Something differs from what was shown."""
        return bool(
            set(self.changed_data) - {"version", "reason", "seen_upfront", "seen_recurring"}
        )

    def captured(self) -> Captured:
        """The row for the service; call it when the form is valid and touched."""
        data = self.cleaned_data
        names = ["cli", *TEXTS, *([self.date_name] if self.date_name else [])]
        fields = {name: data[name] for name in names if name in self.changed_data}
        return Captured(
            line_id=self.line.pk,
            version=data["version"] or 0,
            fields=fields,
            billing=self._billing(data),
        )

    def _billing(self, data: dict[str, Any]) -> BillingChange | None:
        touched = set(self.changed_data) & set(BILLING[:3])
        if not self.may_update_billing or not touched:
            return None
        override: dt.date | None = data["bill_start_override"]
        return BillingChange(
            statuses={
                track: BillStatus(data[f"{track.value}_status"])
                for track in Track
                if f"{track.value}_status" in touched
            },
            seen={
                track: BillStatus(data[f"seen_{track.value}"])
                for track in Track
                if f"{track.value}_status" in touched and data[f"seen_{track.value}"]
            },
            bill_start_override=override,
            reason=data["reason"],
        )
