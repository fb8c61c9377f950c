"""Deleting billing platforms; creating and changing one is the Django admin's (L-3, L-4)."""

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from inventory import selectors
from inventory.errors import PlatformRefused
from inventory.models import BillingPlatform


def delete_platform(*, platform_id: int) -> None:
    """Delete a billing platform that nothing uses.

    :raises PlatformRefused: it is the in-house platform, or a route of something; says of what.
    """
    try:
        with transaction.atomic():
            platform = BillingPlatform.objects.select_for_update().get(pk=platform_id)
            if kept := selectors.why_platform_stays(platform):
                raise PlatformRefused(kept)
            platform.delete()
    except (ProtectedError, IntegrityError) as error:  # used since we looked
        raise PlatformRefused(
            "Something was put on this platform at the same moment, so it stays. Look again."
        ) from error
