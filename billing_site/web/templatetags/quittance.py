"""How things look: icons, amounts, statuses, moments."""

import datetime as dt
from decimal import Decimal
from functools import lru_cache

from django import template
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billing_site.kernel.money import format_money, format_quantity
from billing_site.web.timelines import timeline_of
from billing_site.web.vendor import ICONS
from billing_site.web.wording import day_in_words, moment_in_words

register = template.Library()

PLACEHOLDER_KEY = 7_316_820_954  # stands for the key while an address is taken apart
NOTHING = mark_safe('<span class="nothing" aria-label="none">–</span>')

# Tone of a status badge; the word itself always stands beside the colour.
TONES: dict[str, str] = {
    "pending": "amber",
    "queued": "grey",
    "waiting": "amber",
    "open": "blue",
    "running": "blue",
    "processing": "blue",
    "approving": "violet",
    "approved": "green",
    "completed": "green",
    "done": "green",
    "active": "green",
    "new": "green",
    "mapped": "green",
    "changed": "blue",
    "uploaded": "amber",
    "checking": "blue",
    "checked": "violet",
    "committing": "blue",
    "committed": "green",
    "discarded": "grey",
    "unchanged": "grey",
    "skipped": "grey",
    "closed": "grey",
    "cancelled": "grey",
    "inactive": "grey",
    "suspended": "amber",
    "completed_with_errors": "amber",
    "unmapped": "amber",
    "error": "red",
    "failed": "red",
    "rejected": "red",
    "refused": "red",
}


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, extra: str = "") -> SafeString:
    """An icon beside a text (the text carries the meaning; the icon is hidden from readers).

    :raises ValueError: the icon is not on the vendored list.
    """
    if name not in ICONS:
        raise ValueError(f"{name!r} is not in billing_site.web.vendor.ICONS")
    return format_html(
        '<span class="icon-mask icon-mask-{} {}" aria-hidden="true"></span>', name, extra
    )


@register.simple_tag
def money(amount: Decimal | int | None, currency: str, show_currency: bool = False) -> SafeString:
    """An amount in the currency's own decimals, tabular figures; a dash for no amount."""
    if amount is None:
        return NOTHING
    text = format_money(Decimal(amount), currency)  # digits only; refuses an unknown currency
    tone = " is-negative" if amount < 0 else ""
    code = f' <span class="currency">{currency}</span>' if show_currency else ""
    return SafeString(f'<span class="money{tone}">{text}{code}</span>')


@register.filter
def quantity(value: Decimal | None) -> SafeString | str:
    """A quantity, unit price or percentage, exact and without trailing zeros; a dash for none."""
    return NOTHING if value is None else format_quantity(value)


@register.simple_tag
@lru_cache(maxsize=512)
def badge(label: str, tone: str = "grey") -> SafeString:
    """A small label in a tone: grey, blue, green, amber, red or violet."""
    return format_html('<span class="status status-{}">{}</span>', tone, label)


@register.simple_tag
def status(row: models.Model, field: str = "status") -> SafeString:
    """The status of an object as a badge: its word and its colour."""
    value = getattr(row, field)
    label = getattr(row, f"get_{field}_display")()
    return badge(str(label), TONES.get(str(value), "grey"))


@register.filter
def tone(value: str) -> str:
    """The tone of a status value."""
    return TONES.get(str(value), "grey")


@register.filter
def day(value: dt.date | None) -> SafeString:
    """A date as 05 Mar 2026; a dash for none."""
    if value is None:
        return NOTHING
    if isinstance(value, dt.datetime):
        value = timezone.localtime(value).date()
    return _day(value)


@lru_cache(maxsize=4096)
def _day(value: dt.date) -> SafeString:
    return SafeString(f'<time datetime="{value.isoformat()}">{day_in_words(value)}</time>')


@register.filter
def moment(value: dt.datetime | None) -> SafeString:
    """A moment in the time zone of the firm, to the minute; a dash for none."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    shown = moment_in_words(local)
    return SafeString(
        f'<time datetime="{local.isoformat(timespec="seconds")}" '
        f'title="{shown}:{local.second:02} {local.tzname()}">{shown}</time>'
    )


@register.simple_tag
def address(name: str, pk: int | None = None) -> str:
    """What ``{% url name pk %}`` gives, many times faster; for the rows of a list."""
    before, after = _address_of(name, pk is not None)
    return before if pk is None else f"{before}{pk:d}{after}"


@lru_cache(maxsize=256)
def _address_of(name: str, with_key: bool) -> tuple[str, str]:
    """What stands before and after the key."""
    if not with_key:
        return reverse(name), ""
    before, _, after = reverse(name, args=[PLACEHOLDER_KEY]).partition(str(PLACEHOLDER_KEY))
    return before, after


@register.filter
def duration(value: dt.timedelta | None) -> str:
    """A span of time in words: 40 s, 3 min, 2 h 5 min."""
    if value is None:
        return ""
    seconds = max(0, round(value.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


@register.filter
def initials(user: AbstractBaseUser) -> str:
    """Two letters for the avatar."""
    names = [part for part in user.get_full_name().split() if part] or [user.get_username()]
    letters = names[0][:1] + names[-1][:1] if len(names) > 1 else names[0][:2]
    return letters.upper()


@register.inclusion_tag("web/_timeline.html")
def timeline(row: models.Model, limit: int = 50) -> dict[str, object]:
    """Who changed what on an audited object, newest first."""
    entries, more = timeline_of(row, limit=limit)
    return {"entries": entries, "more": more}
