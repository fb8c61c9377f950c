"""Rights are audited: users, roles, who has which; passwords only as changed."""

import pghistory
import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from billing_site.web.timelines import timeline_of
from tests import builders

pytestmark = pytest.mark.django_db


def verbs_of(row) -> list[str]:
    """With what was granted or taken away; events of one transaction have one moment."""
    entries, _ = timeline_of(row, limit=50)
    return [
        " ".join([entry.verb, *(change.after for change in entry.changes if change.field in SHOWN)])
        for entry in entries
    ]


SHOWN = ("Group", "Permission", "Active", "Name")


def test_what_becomes_of_a_user_is_told_with_who_did_it():
    admin = builders.make_user("Finance")
    user = builders.make_user()
    finance = Group.objects.get(name="Finance")
    right = Permission.objects.get(codename="view_invoice")
    with pghistory.context(user=admin.pk):
        user.groups.add(finance)
        user.user_permissions.add(right)
        user.set_password("something quite long")
        user.save()
        user.is_active = False
        user.save()
        user.groups.clear()
    entries, _ = timeline_of(user, limit=50)
    assert [entry.verb for entry in entries if not entry.who] == ["Created"]
    assert {entry.who for entry in entries} == {"", admin.username}
    assert sorted(verbs_of(user)) == sorted(
        [
            "Changed No",
            "Created",
            "Granted Finance",
            f"Granted {right}",
            "Password changed",
            "Taken away Finance",
        ]
    )
    assert "scrypt" not in repr(entries)


def test_a_login_leaves_no_event(client):
    user = builders.make_user("Finance")
    before = verbs_of(user)
    client.force_login(user)
    user.refresh_from_db()
    assert user.last_login is not None
    assert verbs_of(user) == before


def test_what_becomes_of_a_role_is_told():
    role = Group.objects.create(name="Dunning")
    role.permissions.add(Permission.objects.get(codename="view_invoice"))
    builders.make_user("Dunning")
    role.name = "Dunning clerk"
    role.save()
    verbs = sorted(verb.split()[0] for verb in verbs_of(role))
    assert verbs == ["Changed", "Created", "Granted", "Granted"]


def test_the_administration_shows_the_history(client_for):
    user = builders.make_user("Finance", username="clara")
    page = client_for(is_staff=True, is_superuser=True).get(
        reverse("admin:auth_user_history", args=[user.pk])
    )
    assert page.status_code == 200
    assert "Granted" in page.content.decode()
    assert "Finance" in page.content.decode()
