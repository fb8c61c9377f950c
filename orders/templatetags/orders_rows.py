"""Order lines in words and signs."""

from django import template
from django.utils.safestring import SafeString

from orders.enums import Track
from orders.forms.capture import CaptureForm
from orders.models import OrderLine, SalesOrder
from orders.rules import Circle, circle_of
from orders.tables import line_cells

register = template.Library()


@register.simple_tag
def bill_circle(line: OrderLine) -> SafeString:
    """The coloured circle with its word; both statuses are its tooltip (L-24..L-27)."""
    return line_cells.line_circle(line)


@register.simple_tag
def order_circle(order: SalesOrder) -> SafeString:
    """One circle for all lines of an order, which carries them with their items."""
    lines = list(order.lines.all())
    circle = circle_of(
        (line.track_facts(track), line.status_of(track)) for line in lines for track in Track
    )
    words = " ".join(f"Line {line.position}: {line_cells.words_of(line)}" for line in lines[:5])
    more = f" And {len(lines) - 5} more lines." if len(lines) > 5 else ""
    return line_cells.circle_html(Circle(circle), words + more)


@register.simple_tag
def bill_status(line: OrderLine, track: str) -> SafeString:
    """The bill status of one charge as a badge."""
    return line_cells.status_badge(line, Track(track))


@register.simple_tag
def charge(line: OrderLine, track: str) -> object:
    """Quantity times price of one charge."""
    return line.track_facts(track).charge


@register.filter
def status_field(form: CaptureForm, track: str) -> object:
    """The bound field of a bill status; None where there is nothing to set."""
    name = f"{track}_status"
    return form[name] if name in form.fields else None
