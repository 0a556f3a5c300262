"""What was left out is said in as few lines as say the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mfrec.provenance.left_out import one_reason, together, up_to


@dataclass(frozen=True)
class Gone:
    index: int | None
    name: str
    sha256: str
    why: str


def test_neighbours_of_one_clip_that_were_left_out_for_the_same_reason_are_one_line() -> None:
    clip = [Gone(i, f"a.mp4#{i}", "aa", f"face of {20 + i} px; 9 others bring more") for i in range(4)]
    assert together(clip) == [clip]
    assert one_reason([gone.why for gone in clip]) == "face of 20 to 23 px; 9 others bring more"
    assert "a.mp4#0" + up_to(clip[-1].name, 4) == "a.mp4#0 to #3: 4 frames"
    assert up_to("a.mp4#3", 1) == ""


def test_what_is_no_neighbour_stands_alone() -> None:
    one = Gone(3, "a.mp4#3", "aa", "damaged")
    for other in (
        replace(one, index=5, name="a.mp4#5"),
        replace(one, index=4, name="b.mp4#4"),
        replace(one, index=4, name="a.mp4#4", sha256="bb"),
        replace(one, index=4, name="a.mp4#4", why="left out by hand"),
    ):
        assert together([one, other]) == [[one], [other]]
    stills = [Gone(i, f"{i}.png", "", "damaged") for i in range(2)]
    assert together(stills) == [[gone] for gone in stills]
    assert together([Gone(None, "notes.txt", "", "not a picture")] * 2)[1:]
