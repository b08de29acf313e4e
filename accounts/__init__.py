"""Users, roles and permissions, logins and tokens, verification, profile."""
