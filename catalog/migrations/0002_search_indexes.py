from django.db import migrations

from cbt.kernel.trigrams import trigram_indexes


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
    ]

    operations = [
        trigram_indexes("catalog", "test", "name", "code", "description"),
        trigram_indexes("catalog", "testcategory", "name", "description"),
    ]
