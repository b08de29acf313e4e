"""The page at the server's bare address."""

import re

import pytest


@pytest.mark.django_db
def test_home__then_every_link_of_it_leads_somewhere_and_nothing_runs(client, settings):
    response = client.get("/")
    text = response.content.decode()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert settings.FRONTEND_URL in text
    ours = [address for address in re.findall(r'href="([^"]+)"', text) if address.startswith("/")]
    assert ours == ["/api/docs", "/api/redoc", "/api/versions", "/admin/", "/health"]
    assert [client.get(address).status_code for address in ours] == [200, 200, 200, 302, 200]
