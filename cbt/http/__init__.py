"""DRF machinery written once: faces, base view, problems, pages, rates, permissions, OpenAPI. Knows no app."""
