"""The v1 dialect: admins, instructors and students below /v1."""
