"""Every write of the inventory floor. One public function, one business action, one transaction."""

from inventory.services.catalogue import create_item, update_item
from inventory.services.platforms import delete_platform

__all__ = ["create_item", "delete_platform", "update_item"]
