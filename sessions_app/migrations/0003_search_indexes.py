from django.db import migrations

from cbt.kernel.trigrams import trigram_indexes


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0002_import_batch"),
    ]

    operations = [
        trigram_indexes("sessions_app", "participant", "name", "email"),
    ]
