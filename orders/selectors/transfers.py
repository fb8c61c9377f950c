"""What a Transfer to Billing moved."""

from collections.abc import Collection

from orders.enums import Track
from orders.models import BillStatusEvent


def moved_tracks(*, batch_id: int, line_ids: Collection[int]) -> dict[int, list[Track]]:
    """Line -> the tracks that the batch moved, up-front first; other lines are not named."""
    events = BillStatusEvent.objects.filter(batch=batch_id, line__in=line_ids).order_by("pk")
    moved: dict[int, list[Track]] = {}
    for line_id, track in events.values_list("line", "track"):
        moved.setdefault(line_id, []).append(Track(track))
    return moved
