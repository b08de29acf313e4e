"""Participants, assignments and their links, exam sessions, answers, results."""
