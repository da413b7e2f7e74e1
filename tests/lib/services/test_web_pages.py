"""Addresses that people open, made of ids."""

import pytest

from lib.services import web_pages

BOX = "http://127.0.0.1:8089"


@pytest.mark.parametrize(
    ("page", "address"),
    [
        (web_pages.folder("a/b"), "https://drive.google.com/drive/folders/a%2Fb"),
        (web_pages.folder("a", BOX), f"{BOX}/"),
        (web_pages.spreadsheet("a b"), "https://docs.google.com/spreadsheets/d/a%20b/edit"),
        (web_pages.spreadsheet("a", f"{BOX}/"), f"{BOX}/spreadsheets/a"),
    ],
    ids=["folder", "sandbox folder", "spreadsheet", "sandbox spreadsheet"],
)
def test_a_page_has_an_address(page, address):
    assert page == address
