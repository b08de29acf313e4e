"""The project: settings and entry points, the kernel, the HTTP layer and the faces."""
