"""The right to see subscriptions, for every role."""

from django.apps import apps as live_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

from approvals.roles import ROLES

RIGHTS = ("view_subscription", "view_subscriptionitem")


def grant_rights(apps, schema_editor):
    create_permissions(
        live_apps.get_app_config("invoicing"), verbosity=0, using=schema_editor.connection.alias
    )
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    viewing = permission_model.objects.filter(
        content_type__app_label="invoicing", codename__in=RIGHTS
    )
    for group in group_model.objects.filter(name__in=ROLES):
        group.permissions.add(*viewing)


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_roles_of_orders"),
        ("invoicing", "0013_route_guards"),
    ]

    operations = [migrations.RunPython(grant_rights, migrations.RunPython.noop)]
