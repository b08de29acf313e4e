"""Photos of a sitting: taken by the client, kept privately for a while, seen by staff."""
