"""User groups for the roles, the default approval process and the default number scheme."""

from django.apps import apps as live_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

from approvals.roles import ROLES, VIEW_APPS


def create_roles(apps, schema_editor):
    for label in VIEW_APPS:
        create_permissions(
            live_apps.get_app_config(label), verbosity=0, using=schema_editor.connection.alias
        )
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    viewing = list(
        permission_model.objects.filter(
            content_type__app_label__in=VIEW_APPS, codename__startswith="view_"
        ).exclude(codename__endswith="event")
    )
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in permission_model.objects.select_related("content_type")
    }
    for role, names in ROLES.items():
        group, _ = group_model.objects.get_or_create(name=role)
        group.permissions.set([*viewing, *(known[name] for name in names)])


def create_default_process(apps, schema_editor):
    process = apps.get_model("approvals", "ApprovalProcess").objects.create(name="Default")
    group = apps.get_model("auth", "Group").objects.get(name="Invoice approval")
    apps.get_model("approvals", "ApprovalStep").objects.create(
        process=process, position=1, group=group
    )
    apps.get_model("invoicing", "NumberScheme").objects.create(
        name="Invoices", format="R{yyyy}-{####}", reset="yearly"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0002_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("invoicing", "0003_guards"),
        ("inventory", "0002_guards"),
    ]

    operations = [
        migrations.RunPython(create_roles, migrations.RunPython.noop),
        migrations.RunPython(create_default_process, migrations.RunPython.noop),
    ]
