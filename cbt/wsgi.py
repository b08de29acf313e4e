"""WSGI entry point. In the embedded run this process also runs the jobs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")
application = get_wsgi_application()

if os.environ.get("CBT_RUN_JOBS") == "1":
    from cbt.kernel import runner

    runner.start()
