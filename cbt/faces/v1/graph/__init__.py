"""GraphQL for staff: the lists of tests, sessions, results and attendance, joined in one answer. It only reads.

To remove it, delete this folder and its line in `cbt/faces/v1/urls.py`.
"""
