"""Foreign dialects over the same services. A face translates, never decides, and goes with its folder and line."""
