"""Menu and apps: an entry appears when its page exists and the user may open it."""

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing_site.web.templatetags.quittance import icon as get_icon

register = template.Library()

NOTHING = SafeString("")
CURRENT_PAGE = SafeString(' aria-current="page"')


def _address(context: RequestContext, name: str, permission: str) -> str:
    """The URL behind ``name``; empty when there is no such page or no right to it."""
    user = context["request"].user
    if permission and not user.has_perm(permission):
        return ""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _is_current(context: RequestContext, name: str) -> bool:
    """True on the page itself and on the other pages of its object (list, detail, create)."""
    match = context["request"].resolver_match
    if match is None:
        return False
    return match.view_name == name or (
        "-" in name and match.view_name.rsplit("-", 1)[0] == name.rsplit("-", 1)[0]
    )


def _entry(
    context: RequestContext, name: str, label: str, icon: str, permission: str, go: str
) -> dict[str, object] | None:
    url = _address(context, name, permission)
    if not url:
        return None
    return {
        "url": url,
        "label": label,
        "icon": icon,
        "go": go,
        "current": _is_current(context, name),
        "exact": context["request"].path == url,
    }


@register.simple_tag(takes_context=True)
def nav_item(
    context: RequestContext,
    name: str,
    label: str,
    icon: str = "",
    permission: str = "",
    go: str = "",
) -> SafeString:
    """One menu entry, by URL name; ``go`` is the key that opens it after ``g``."""
    entry = _entry(context, name, label, icon, permission, go)
    if not entry:
        return NOTHING
    picture = get_icon(icon) if icon else NOTHING
    text = format_html('<span class="nav-text">{}</span>' if icon else "<span>{}</span>", label)
    return format_html("<li>{}</li>", _link(entry, picture + text))


@register.simple_block_tag(takes_context=True, end_name="end_nav_group")
def nav_group(
    context: RequestContext,
    content: str,
    label: str,
    name: str,
    icon: str = "",
    permission: str = "",
    go: str = "",
) -> SafeString:
    """A menu entry whose own entries open on hover and on focus (CB-20)."""
    entry = _entry(context, name, label, icon, permission, go)
    if not entry:
        return NOTHING
    entry["current"] = entry["current"] or "is-current" in content
    text = format_html('<span class="nav-text">{}</span>', label)
    inside = get_icon(icon) + text + get_icon("chevron-right", "nav-chevron")
    return format_html(
        '<li class="nav-group">{}<ul class="nav-sub" aria-label="{}">{}</ul></li>',
        _link(entry, inside),
        label,
        content,
    )


def _link(entry: dict[str, object], inside: SafeString) -> SafeString:
    """The link of a menu entry; written here, as the menu is on every page."""
    return format_html(
        '<a class="nav-entry{}" href="{}"{} title="{}"{}>{}</a>',
        " is-current" if entry["current"] else "",
        entry["url"],
        CURRENT_PAGE if entry["exact"] else "",
        entry["label"],
        format_html(' data-go="{}"', entry["go"]) if entry["go"] else "",
        inside,
    )


@register.simple_tag(takes_context=True)
def app_entry(
    context: RequestContext,
    name: str,
    label: str,
    description: str,
    icon: str = "apps",
    permission: str = "",
) -> SafeString:
    """One app of the Apps drawer (L-32)."""
    url = _address(context, name, permission)
    if not url:
        return NOTHING
    return render_to_string(
        "web/_app_entry.html",
        {"url": url, "label": label, "description": description, "icon": icon},
    )


@register.simple_block_tag(end_name="end_app_grid")
def app_grid(content: str) -> SafeString:
    """The apps a user may use; says so when there are none."""
    return render_to_string("web/_app_grid.html", {"entries": content})


@register.simple_tag(takes_context=True)
def address_if_allowed(context: RequestContext, name: str, permission: str = "") -> str:
    """The URL behind ``name``, or nothing; for links to pages of other apps."""
    return _address(context, name, permission)
