"""Indonesian dates, in the Indonesian part of a bilingual mail: ``{{ day|tanggal }}``, ``{{ moment|waktu }}`` (UTC) and

``{{ moment|setempat }}`` (by local clocks).
"""

from django import template

from cbt.kernel.dates import date_id, local_id, moment_id

register = template.Library()
register.filter("tanggal", date_id)
register.filter("waktu", moment_id)
register.filter("setempat", local_id)
