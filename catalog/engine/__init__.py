"""Pure rules: the test document, answers, scoring, and what a taker may see. No ORM, no clock, no I/O."""
