"""Use cases of the catalogue.

Import the modules (`from catalog.services import offers`), not their functions: many are named `test_…`, and a test
runner would collect them as tests.
"""
