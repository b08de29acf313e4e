from decimal import Decimal

from django.db import migrations, models


def write_bills_down(apps, schema_editor):
    """Give every bill what is known of it now: the company and its people as they are, the rate its amounts have."""
    invoice_model = apps.get_model("tenants", "Invoice")
    rows = invoice_model.objects.select_related("company", "subscription").order_by("pk")
    for row in rows.iterator(chunk_size=500):
        company = row.company
        rate = row.tax_amount / row.amount if row.amount else Decimal(0)
        invoice_model.objects.filter(pk=row.pk).update(
            user_quota=row.subscription.user_quota,
            tax_rate=min(rate, Decimal(9)).quantize(Decimal("0.0001")),
            bill_to={
                "name": company.name,
                "email": company.email,
                "phone": company.phone,
                "address": company.address,
            },
        )


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_billing"),
    ]

    operations = [
        migrations.AddField(
            model_name="invoice",
            name="bill_to",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="invoice",
            name="tax_rate",
            field=models.DecimalField(decimal_places=4, default=Decimal(0), max_digits=5),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="invoice",
            name="user_quota",
            field=models.PositiveIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RunPython(write_bills_down, migrations.RunPython.noop),
    ]
