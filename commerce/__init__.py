"""What private users have bought."""
