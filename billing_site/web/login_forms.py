"""Logging in: what is too long is refused before anybody looks for a user or hashes a password."""

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, UsernameField

LONGEST_PASSWORD = 4096
USERNAME = get_user_model()._meta.get_field(get_user_model().USERNAME_FIELD)


class LoginForm(AuthenticationForm):
    """Django's form sets the length of its user name after its field was made, so nothing checks
    it; a failed attempt with 256 characters then does not fit where django-axes keeps it.
    """

    username = UsernameField(
        max_length=USERNAME.max_length,
        error_messages={"max_length": "A user name has up to %(limit_value)d characters."},
        widget=forms.TextInput(attrs={"autofocus": True}),
    )
    password = forms.CharField(
        strip=False,
        max_length=LONGEST_PASSWORD,
        error_messages={"max_length": "A password has up to %(limit_value)d characters."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class AdminLoginForm(LoginForm, AdminAuthenticationForm):
    """The same for the administration, which only staff may enter."""
