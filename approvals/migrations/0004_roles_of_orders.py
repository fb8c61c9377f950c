"""Rights of orders and of the item import; roles "Allow update billing" and "Apps - Change Queue".

What an administrator added to a role stays: rights are only added here.
"""

from django.apps import apps as live_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.models import Q

from approvals.roles import ROLES, VIEW_APPS


def grant_rights(apps, schema_editor):
    for label in VIEW_APPS:
        create_permissions(
            live_apps.get_app_config(label), verbosity=0, using=schema_editor.connection.alias
        )
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    audits = Q(codename__endswith="event") & ~Q(codename="view_billstatusevent")
    viewing = permission_model.objects.filter(
        ~audits, content_type__app_label__in=VIEW_APPS, codename__startswith="view_"
    )
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in permission_model.objects.select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = group_model.objects.get_or_create(name=role)
        group.permissions.add(*viewing, *(known[name] for name in names))


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0003_roles"),
        ("inventory", "0005_item_guid_and_imports"),
        ("orders", "0001_initial"),
        ("web", "0003_audit_of_rights"),
    ]

    operations = [migrations.RunPython(grant_rights, migrations.RunPython.noop)]
