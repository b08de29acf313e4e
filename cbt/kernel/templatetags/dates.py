"""``{{ day|tanggal }}`` and ``{{ moment|waktu }}``: Indonesian dates, in the Indonesian part of a bilingual mail."""

from django import template

from cbt.kernel.dates import date_id, moment_id

register = template.Library()
register.filter("tanggal", date_id)
register.filter("waktu", moment_id)
