"""A recalculated invoice is written with less work.

Every new version of a row gets an entry in every index that has the row: those of numbers and
references, which a pending invoice does not have, took a quarter of the time. The function behind
the status map is called only to refuse.
"""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import ledger.validators


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0006_platform_code"),
        ("invoicing", "0014_other_unit"),
        ("ledger", "0003_pricing_changes"),
        ("orders", "0003_billing_export_index"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="invoice",
            name="invoice_status_map",
        ),
        migrations.RemoveConstraint(
            model_name="invoice",
            name="invoice_sequence_once",
        ),
        migrations.AlterField(
            model_name="invoice",
            name="number",
            field=models.CharField(blank=True, editable=False, max_length=60, null=True),
        ),
        migrations.AlterField(
            model_name="invoice",
            name="reference",
            field=models.CharField(
                blank=True,
                max_length=60,
                null=True,
                validators=[ledger.validators.validate_plain_text],
            ),
        ),
        migrations.AlterField(
            model_name="purchase",
            name="reference",
            field=models.CharField(max_length=120),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invoice",
            trigger=pgtrigger.compiler.Trigger(
                name="invoice_status_map",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."status" IS DISTINCT FROM (NEW."status") AND NOT ((NEW."status" = \'open\' AND OLD."status" = \'pending\') OR (NEW."status" = \'error\' AND OLD."status" = \'pending\') OR (NEW."status" = \'pending\' AND OLD."status" = \'open\') OR (NEW."status" = \'pending\' AND OLD."status" = \'error\') OR (NEW."status" = \'approving\' AND OLD."status" = \'open\') OR (NEW."status" = \'closed\' AND OLD."status" = \'open\') OR (NEW."status" = \'approved\' AND OLD."status" = \'approving\') OR (NEW."status" = \'pending\' AND OLD."status" = \'approving\')))',
                    declare="DECLARE _is_valid_transition BOOLEAN;",
                    func='SELECT CONCAT(OLD."status", \':\', NEW."status") = ANY(\'{pending:open,pending:error,open:pending,error:pending,open:approving,open:closed,approving:approved,approving:pending}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."status" IS DISTINCT FROM NEW."status") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "status" from "%" to "%" on table %\', OLD."status", NEW."status", TG_TABLE_NAME; ELSE RETURN NEW; END IF;',
                    hash="daf8ba4ad7de56d7ebaf8c97bd591f53fefe1690",
                    operation="UPDATE",
                    pgid="pgtrigger_invoice_status_map_30479",
                    table="invoicing_invoice",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number__isnull", False)),
                fields=("number",),
                name="invoice_number_once",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reference__isnull", False)),
                fields=("reference",),
                name="invoice_reference_once",
                opclasses=["varchar_pattern_ops"],
                violation_error_message="Another invoice has this reference; choose another one.",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("number_counter__isnull", False)),
                fields=("number_counter", "number_sequence"),
                name="invoice_sequence_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.UniqueConstraint(
                fields=("reference",),
                name="purchase_reference_once",
                opclasses=["varchar_pattern_ops"],
                violation_error_message="Another purchase has this reference.",
            ),
        ),
    ]
