"""Letters in pictures: accents are drawn, and what the font lacks is an escape and no empty box."""

from __future__ import annotations

import pytest

from mfrec.image.lettering import _drawn, drawable, font


@pytest.mark.parametrize("text", ["Narbe – Ähnlichkeit?", "cicatriz año", "Łódka, čeština", "plain, 12 %"])
def test_latin_alphabets_are_drawn_as_they_are(text: str) -> None:
    assert drawable(text) == text
    assert all(_drawn(c) != _drawn("\uffff") for c in text if not c.isspace())


def test_other_letters_are_escapes() -> None:
    assert drawable("α 漢\n") == "\\u03b1 \\u6f22\\n"


def test_letters_are_about_as_high_as_asked() -> None:
    for size in (14, 40):
        _, top, _, bottom = font(size).getbbox("Äg")
        assert bottom - top == pytest.approx(size, rel=0.3)
    assert max(_drawn("Ä")[1]) > 200
