"""SQLite with a queue before its writer's lock."""
