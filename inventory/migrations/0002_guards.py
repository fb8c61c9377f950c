"""Categories keep their paths; the in-house platform exists from the start (L-1..L-4)."""

from django.db import migrations

from billing_site.web.trees import tree_triggers

PLACE, UNPLACE = tree_triggers("inventory_productcategory")


def create_in_house_platform(apps, schema_editor):
    apps.get_model("inventory", "BillingPlatform").objects.create(
        name="In-house", is_in_house=True, notes="Charges on this route are invoiced by Quittance."
    )


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("ledger", "0002_guards")]

    operations = [
        migrations.RunSQL(PLACE, UNPLACE),
        migrations.RunPython(create_in_house_platform, migrations.RunPython.noop),
    ]
