"""Who may ask the desk: its own page on this computer, and nobody who only got a browser to send something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_service import HOST, SAFE, TOKEN, Opened, opened

from mfrec.desk.app import ROUTES
from mfrec.desk.guard import INVITED, PAGE_OF_INVITED


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with opened(tmp_path_factory.mktemp("guard") / "cases") as found:
        yield found


def addresses(desk: Opened) -> list[tuple[str, str]]:
    """Every address of the desk, with names in the place of its parameters."""
    values = {"case": desk.case.key, "input": "01", "frame": "0", "run": "0001", "job": "0001", "note": "0001-01"}
    values |= {"survey": "01", "invitation": "0" * 16, "token": "x" * 43}
    return [
        (method, path.format(**values, name="app.js" if path.startswith("/page") else "maps"))
        for method, path, _ in ROUTES
    ]


def test_nothing_is_shown_without_the_key(desk: Opened) -> None:
    for method, path in addresses(desk):
        answer = desk.stranger.request(method, path, headers=SAFE)
        if path in PAGE_OF_INVITED:
            assert answer.content == desk.client.get(path).content, "what is the same in every desk"
            continue
        if path.startswith(INVITED):
            # Its own token opens it: see test_invitations.py.
            assert answer.status_code in (200, 404) and desk.case.key not in answer.text
            continue
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.json()["key"] == "refused.key"
    assert desk.stranger.get("/", params={"token": TOKEN[:-1]}).status_code == 401


def test_a_cookie_of_anything_is_no_key(desk: Opened) -> None:
    for cookie in (b"mfrec_desk_8765=", b"mfrec_desk_8765=x", b"mfrec_desk_8765=\xff\xfe", b"=;;=\x00", TOKEN.encode()):
        assert desk.stranger.get("/api/cases", headers={b"Cookie": cookie}).status_code == 401


def test_the_token_becomes_a_cookie_that_other_pages_do_not_send(desk: Opened) -> None:
    answer = desk.stranger.get("/", params={"token": TOKEN}, follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and TOKEN not in cookie
    desk.stranger.cookies.clear()


@pytest.mark.parametrize("host", ["evil.example:8765", "127.0.0.1", "127.0.0.1:80", "localhost", "", "[::1]:8765"])
def test_a_foreign_name_for_this_computer_is_refused(desk: Opened, host: str) -> None:
    """DNS rebinding: the page of another site, whose name leads here now."""
    for method, path in addresses(desk):
        answer = desk.client.request(method, path, headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code == 421, f"{method} {path}"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": f"https://{HOST}"},
        {"Origin": "http://127.0.0.1:8766"},
        {"Origin": ""},
        {"Origin": "http://[::1"},
        {"Origin": f"http://{HOST}/"},
        {**SAFE, "Sec-Fetch-Site": "cross-site"},
        {**SAFE, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_cannot_change_anything(desk: Opened, headers: dict[str, str]) -> None:
    """CSRF: also with the cookie, which a browser would not even send."""
    before = sorted(desk.desk.cases.names())
    for method, path in addresses(desk):
        if method != "GET":
            answer = desk.client.request(method, path, headers=headers, content=b'{"title": "theirs"}')
            assert answer.status_code == 403, f"{method} {path}"
    assert desk.desk.cases.names() == before


def test_a_change_without_an_origin_is_refused_too(desk: Opened) -> None:
    request = desk.client.build_request("POST", "/api/cases", content=b'{"title": "theirs"}')
    del request.headers["origin"]
    assert desk.client.send(request).status_code == 403


def test_the_page_may_load_nothing_from_elsewhere(desk: Opened) -> None:
    for path in ("/", "/page/app.js", "/words.json", "/api/desk", "/manual/maps", "/nowhere"):
        headers = desk.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy, path
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


def test_no_file_of_the_page_names_another_place() -> None:
    page = Path(__file__).resolve().parents[2] / "mfrec" / "desk" / "page"
    files = list(page.iterdir())
    assert len(files) > 10
    for path in files:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path.name
        assert "innerHTML" not in text and "insertAdjacent" not in text, f"{path.name} parses text as markup"
