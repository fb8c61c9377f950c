"""The tree of customer clusters."""

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from billing_site.web.edits import FieldsRefused, save_valid
from ledger.errors import CLUSTER_SENTENCES, MoveRefused
from ledger.models import CustomerCluster
from ledger.validators import validate_plain_text


@transaction.atomic
def create_cluster(*, name: str, parent: CustomerCluster | None = None) -> CustomerCluster:
    """Store a cluster below ``parent`` (None: a root).

    :raises FieldsRefused: the name is taken or does not fit.
    """
    cluster = CustomerCluster(name=name, parent=parent)
    try:
        validate_plain_text(name)
    except ValidationError as error:
        raise FieldsRefused({"name": error.messages}, CustomerCluster) from error
    save_valid(cluster, sentences=CLUSTER_SENTENCES)
    cluster.refresh_from_db()
    return cluster


@transaction.atomic
def move_cluster(*, cluster_id: int, parent: CustomerCluster | None) -> CustomerCluster:
    """Place a cluster, with everything below it, under another one.

    Rules are scoped by the tree, so the unlocked invoices of the customers below are calculated
    again by the next sweep of invoicing (H-CB3).

    :raises MoveRefused: the new place is the cluster itself or below it.
    """
    cluster = CustomerCluster.objects.select_for_update().get(pk=cluster_id)
    if parent is not None and cluster_id in [*parent.path, parent.pk]:
        raise MoveRefused(
            f"{cluster.name} cannot be placed below itself; choose a cluster outside of it."
        )
    cluster.parent = parent
    try:
        with transaction.atomic():
            cluster.save(update_fields=["parent"])
    except IntegrityError as error:  # moved there by somebody else a moment ago
        raise MoveRefused(
            f"{cluster.name} cannot be placed below itself; choose a cluster outside of it."
        ) from error
    cluster.refresh_from_db()
    return cluster
