"""Trees of named nodes (customer clusters, product categories), with their path kept by the database."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

Setting = TypeVar("Setting")


def nearest(path: Sequence[int], settings: Mapping[int | None, Setting]) -> Setting | None:
    """What is set on the node itself or its nearest ancestor, else for all (key None); or None.

    :param path: ids of the node's ancestors and its own, root first.
    """
    for node_id in reversed(path):
        if node_id in settings:
            return settings[node_id]
    return settings.get(None)


class TreeQuerySet(models.QuerySet):
    """Sets of nodes of one tree."""

    def under(self, node_id: int) -> "TreeQuerySet":
        """The node itself and everything below it."""
        return self.filter(path__contains=[node_id])

    def as_tree(self) -> "TreeQuerySet":
        """Parents before children, siblings in order of creation."""
        return self.order_by("path")


class TreeNode(models.Model):
    """A node that knows the ids of its ancestors.

    Invariants (where each one is enforced):
      T1  ``path`` is the path of the parent plus the node's own id   trigger web_tree_place
      T2  a node is never its own ancestor                            trigger web_tree_place
    """

    name = models.CharField(max_length=120, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    path = ArrayField(models.BigIntegerField(), editable=False, default=list)

    objects = TreeQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["path"]
        indexes = [GinIndex(fields=["path"], name="%(class)s_path")]

    def __str__(self) -> str:
        return self.name

    @property
    def depth(self) -> int:
        """0 for a root."""
        return max(len(self.path) - 1, 0)


TREE_FUNCTION = """
CREATE FUNCTION web_tree_place() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE parent_path bigint[];
BEGIN
  IF TG_WHEN = 'AFTER' THEN
    EXECUTE format('UPDATE %I SET parent_id = parent_id WHERE parent_id = $1', TG_TABLE_NAME)
      USING NEW.id;
    RETURN NULL;
  END IF;
  IF NEW.parent_id IS NULL THEN
    NEW.path := ARRAY[NEW.id];
    RETURN NEW;
  END IF;
  EXECUTE format('SELECT path FROM %I WHERE id = $1 FOR SHARE', TG_TABLE_NAME)
    INTO parent_path USING NEW.parent_id;
  IF NEW.id = ANY(parent_path) OR NEW.parent_id = NEW.id THEN
    RAISE EXCEPTION '% cannot be placed below itself', NEW.name USING ERRCODE = 'check_violation';
  END IF;
  NEW.path := parent_path || NEW.id;
  RETURN NEW;
END $$;
"""


def tree_triggers(table: str) -> tuple[str, str]:
    """SQL that creates and drops the triggers which keep ``path`` on ``table``."""
    create = f"""
    CREATE TRIGGER {table}_place BEFORE INSERT OR UPDATE OF parent_id, path ON {table}
      FOR EACH ROW EXECUTE FUNCTION web_tree_place();
    CREATE TRIGGER {table}_move_children AFTER UPDATE OF parent_id ON {table}
      FOR EACH ROW WHEN (OLD.path IS DISTINCT FROM NEW.path) EXECUTE FUNCTION web_tree_place();
    """
    drop = f"DROP TRIGGER {table}_place ON {table}; DROP TRIGGER {table}_move_children ON {table};"
    return create, drop
