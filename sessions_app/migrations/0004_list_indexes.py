from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def repeat_who(apps, editor):
    """Write the company and the buyer of each session on its results."""
    results = apps.get_model("sessions_app", "Result").objects.using(editor.connection.alias)
    session = apps.get_model("sessions_app", "ExamSession").objects.filter(pk=OuterRef("session_id"))
    results.update(
        company_id=Subquery(session.values("company_id")[:1]), user_id=Subquery(session.values("user_id")[:1])
    )


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0003_list_indexes"),
        ("commerce", "0003_list_indexes"),
        ("sessions_app", "0003_search_indexes"),
        ("tenants", "0005_list_indexes"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="examsession",
            name="session_by_company",
        ),
        migrations.RemoveIndex(
            model_name="participant",
            name="participant_list",
        ),
        migrations.RemoveIndex(
            model_name="participant",
            name="participant_all",
        ),
        migrations.AddField(
            model_name="result",
            name="company_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="result",
            name="user_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="examsession",
            index=models.Index(
                fields=["company_id", "-started_at", "-id"], include=("test", "participant"), name="session_company"
            ),
        ),
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=["company", "-created_at", "-id"],
                include=("banned_at",),
                name="participant_company",
            ),
        ),
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=["-created_at", "-id"],
                include=("banned_at",),
                name="participant_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="result",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["-created_at", "-id"],
                include=("session", "state", "passed"),
                name="result_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="result",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["company_id", "-created_at", "-id"],
                include=("session", "state", "passed"),
                name="result_company",
            ),
        ),
        migrations.AddIndex(
            model_name="result",
            index=models.Index(
                condition=models.Q(("is_current", True)),
                fields=["user_id", "-created_at", "-id"],
                include=("session", "state", "passed"),
                name="result_user",
            ),
        ),
        migrations.RunPython(repeat_who, migrations.RunPython.noop),
    ]
