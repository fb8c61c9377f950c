"""What a person says with a decision."""

from django import forms

from ledger.validators import validate_plain_text


class DecisionForm(forms.Form):
    """The mark of what was shown, and an optional note."""

    mark = forms.CharField(max_length=120, widget=forms.HiddenInput)
    note = forms.CharField(
        max_length=500,
        required=False,
        validators=[validate_plain_text],
        label="Note (optional)",
        help_text="Kept with your decision; others see it in the history.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "form-control"}),
    )
