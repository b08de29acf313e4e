from django.db import migrations

from cbt.kernel.trigrams import trigram_indexes


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_invoice_sheet"),
    ]

    operations = [
        trigram_indexes("tenants", "company", "name", "email", "phone"),
        trigram_indexes("tenants", "subscriptionplan", "name", "description"),
    ]
