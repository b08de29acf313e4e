"""A server with one writing route, to measure the database under many clients apart from any feature."""
