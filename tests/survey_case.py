"""A case with a survey to be answered: three pictures, which are told apart by one grey level."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from desk_service import Opened
from PIL import Image
from report_case import reconstruction

from mfrec.desk.case import Case
from mfrec.imageio import png_bytes
from mfrec.outputs import save

METHODS = ("0001/reconstruction.png", "0001/evidence.png", "0001/reference.png")

ASKED = {"title": "Which?", "pictures": [{"run": m[:4], "picture": m[5:]} for m in METHODS]}


def filled(case: Case) -> None:
    """A run whose pictures are told by one grey level, as a person would tell them by looking."""
    folder = case.part("runs") / "0001"
    save(reconstruction(3, stamp="RESTORED"), folder)
    for grey, name in enumerate(("reconstruction.png", "evidence.png", "reference.png")):
        words = {"Title": "the secret of the method", "Comment": "RESTORED"}
        (folder / name).write_bytes(png_bytes(np.full((40, 30, 3), 100 + grey, np.uint8), words))


def made(desk: Opened, **change: Any) -> str:
    answer = desk.client.post(f"{desk.base}/surveys", json={**ASKED, **change})
    assert answer.status_code == 201, answer.text
    return f"{desk.base}/surveys/{answer.json()['number']}"


def seen(desk: Opened, survey: str) -> dict[str, str]:
    """Method to its token, told by looking at the pictures."""
    out = {}
    for token in desk.client.get(f"{survey}/question").json()["pictures"]:
        picture = Image.open(io.BytesIO(desk.client.get(f"{survey}/pictures/{token}").content))
        assert picture.size == (30, 40) and picture.info == {}, "nothing but pixels"
        out[METHODS[int(np.asarray(picture)[3, 3, 0]) - 100]] = token
    return out


def given(tokens: dict[str, str], best: int, **change: Any) -> dict[str, Any]:
    """An answer that prefers one method by its position."""
    shown = list(tokens.values())
    opinion = {tokens[method]: 5 if number == best else 2 for number, method in enumerate(METHODS)}
    answer = {"shown": shown, "quality": tokens[METHODS[best]], "match": None, "opinion": opinion}
    return {"participant": "0123456789abcdef", "answer": {**answer, **change}, "seconds": 12.34}
