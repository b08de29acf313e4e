from django.db import migrations

from cbt.kernel.trigrams import trigram_indexes


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        trigram_indexes("accounts", "user", "name", "email"),
    ]
