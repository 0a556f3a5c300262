"""The table of a survey: how often each method was chosen, and its mean opinion score, with intervals.

Shares have Wilson's interval ("Probable inference, the law of succession, and statistical inference", JASA 22, 1927);
votes count as independent, although each person gives several. The opinion score has Student's interval over the
participants' own means. All are 95 %.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mfrec.documents import DocumentError, check_schema, parse_json, read_text, shaped
from mfrec.errors import InputError, NoFramesError, UsageError
from mfrec.evaluation.survey.page import KEY
from mfrec.evaluation.survey.schema import KEY_LIMIT, SCHEMA, SHEET_LIMIT, Answer, Key, Sheet
from mfrec.report.text_table import aligned, mean

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """How often a method was chosen: votes of all, and Wilson's interval of the share."""

    votes: int
    of: int
    low: float
    high: float


@dataclass(frozen=True)
class Opinion:
    """Mean opinion score from 1 to 5; no interval where only one person answered."""

    mean: float
    low: float | None
    high: float | None
    scores: int


@dataclass(frozen=True)
class MethodResult:
    """What people think of one method; no match where nobody was asked for it."""

    method: str
    quality: Share
    match: Share | None
    opinion: Opinion | None


@dataclass(frozen=True)
class SurveyResult:
    """The whole survey.

    Attributes:
        survey: its identity.
        participants: who answered. cases: how many there are. answers: how many were given.
        methods: best match first; where nobody was asked for it, highest quality first.
        left_out: files and answers that do not count, with the reason.
    """

    survey: str
    participants: int
    cases: int
    answers: int
    methods: tuple[MethodResult, ...]
    left_out: tuple[str, ...]

    def table(self) -> str:
        """One row a method, with 95 % intervals."""

        def share(of: Share | None) -> str:
            if of is None:
                return "-"
            return f"{of.votes}/{of.of}  {percent(of.votes / of.of)} ({percent(of.low)} to {percent(of.high)})"

        def opinion(of: Opinion | None) -> str:
            if of is None:
                return "-"
            return f"{of.mean:.2f}" if of.low is None else f"{of.mean:.2f} ({of.low:.2f} to {of.high:.2f})"

        rows = [(m.method, share(m.quality), share(m.match), opinion(m.opinion)) for m in self.methods]
        head = f"{self.participants} participants, {self.cases} cases, {self.answers} answers; intervals of 95 %"
        chance = f"by chance each method would be chosen in {percent(1 / len(self.methods))}"
        table = aligned(("method", "highest quality", "best match", "opinion, 1 to 5"), rows)
        return "\n\n".join([f"{head}; {chance}", table, *(f"left out: {why}" for why in self.left_out)])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def percent(share: float) -> str:
    """A share as text."""
    return f"{100 * share:.0f} %"


def collect(answers: Path, key: Path | None = None) -> SurveyResult:
    """Count the answers in a folder.

    Args:
        answers: holds the files that the page saved; each participant counts once.
        key: the ``key.json`` that was written with the page; None looks for the one that the answers belong to, in
            ``answers``, beside it, and in the folders beside it.

    Raises:
        InputError: no folder, no usable answer, or a key that is damaged.
        UsageError: no key, or several, to the answers.
    """
    if not answers.is_dir():
        raise NoFramesError(f"there is no folder of answers at '{answers}'")
    files = sorted(path for path in answers.glob("*.json") if path.name != KEY)
    if not files:
        raise NoFramesError(f"'{answers}' holds no answers; the page saves them as answers-....json")
    left_out: list[str] = []
    sheets: dict[str, Sheet] = {}
    for file in files:
        sheet = read_sheet(file)
        if isinstance(sheet, str):
            left_out.append(f"'{file.name}': {sheet}")
        elif sheet.participant in sheets:
            left_out.append(f"'{file.name}': the same participant as in another file")
        else:
            sheets[sheet.participant] = sheet
    surveys = {sheet.survey for sheet in sheets.values()}
    if key is None:
        found = find_keys(answers, surveys)
        if len({known.survey for known in found}) != 1:
            raise UsageError(
                f"'{answers}' belongs to {len(found)} keys that could be found; name the {KEY} that was written with "
                "the page with --key"
            )
        known = found[0]
    else:
        known = read_key(key)
    return counted(known, sheets, left_out)


def read_sheet(file: Path) -> Sheet | str:
    """The answers of one participant, or why the file is none."""
    try:
        return shaped(check_schema(parse_json(read_text(file, SHEET_LIMIT)), SCHEMA), Sheet)
    except DocumentError as error:
        return f"is not what the page saves ({error})"


def read_key(file: Path) -> Key:
    """A key.

    Raises:
        InputError: it is none.
    """
    try:
        return shaped(check_schema(parse_json(read_text(file, KEY_LIMIT)), SCHEMA), Key)
    except DocumentError as error:
        raise InputError(
            f"'{file}' is no key of a survey ({error}); expected the {KEY} that was written with the page"
        ) from None


def find_keys(answers: Path, surveys: set[str]) -> list[Key]:
    """Keys in the folder of the answers, beside it, and in the folders beside it, to one of the surveys."""
    place = answers.resolve()
    files = [place / KEY, place.parent / KEY, *sorted(place.parent.glob(f"*/{KEY}"))]
    found = []
    for file in dict.fromkeys(files):
        with contextlib.suppress(InputError):  # other programs have a key.json too
            found.append(read_key(file))
    return [key for key in found if key.survey in surveys]


def counted(key: Key, sheets: Mapping[str, Sheet], left_out: list[str]) -> SurveyResult:
    """Count the answers that belong to a key.

    Raises:
        InputError: none does.
    """
    methods = sorted(set(key.pictures.values()))
    quality, match = dict.fromkeys(methods, 0), dict.fromkeys(methods, 0)
    opinions: dict[str, dict[str, list[int]]] = {method: {} for method in methods}
    participants, answers = set(), 0
    for participant, sheet in sheets.items():
        if sheet.survey != key.survey:
            left_out.append(f"participant {participant}: answers to another survey ({sheet.survey})")
            continue
        seen: set[str] = set()
        for value in sheet.answers:
            answer = as_answer(value, key, seen)
            if isinstance(answer, str):
                left_out.append(f"participant {participant}: an answer that {answer}")
                continue
            seen.add(answer.case)
            for votes, token in ((quality, answer.quality), (match, answer.match)):
                if token is not None:
                    votes[key.pictures[token]] += 1
            for token, score in answer.opinion.items():
                opinions[key.pictures[token]].setdefault(participant, []).append(score)
            answers += 1
            participants.add(participant)
    if not answers:
        raise InputError(f"no answer counts: {'; '.join(left_out) or 'the files are empty'}")
    matches = {method: wilson(match[method], answers) if key.match else None for method in methods}
    results = [
        MethodResult(m, wilson(quality[m], answers), matches[m], opinion_score(opinions[m]))
        for m in sorted(methods, key=lambda method: (-match[method], -quality[method], method))
    ]
    return SurveyResult(key.survey, len(participants), len(key.cases), answers, tuple(results), tuple(left_out))


def as_answer(value: Any, key: Key, seen: set[str]) -> Answer | str:
    """One answer, or why it does not count.

    Args:
        value: as the page saved it.
        key: of the survey.
        seen: cases that this participant has answered before.
    """
    try:
        answer = shaped(value, Answer)
    except DocumentError as error:
        return f"is damaged ({error})"
    if answer.case not in key.cases:
        return "belongs to no case"
    if answer.case in seen:
        return f"repeats the case '{key.cases[answer.case]}'"
    tokens = {*answer.shown, answer.quality, *answer.opinion, *((answer.match,) if key.match else ())}
    if not key.match and answer.match is not None:
        return f"names a best match, which nobody was asked for (case '{key.cases[answer.case]}')"
    if not tokens <= key.pictures.keys() or not tokens <= set(answer.shown):
        return f"is incomplete or names pictures that were not shown (case '{key.cases[answer.case]}')"
    if set(answer.opinion) != set(answer.shown):
        return f"lacks an opinion from 1 to 5 (case '{key.cases[answer.case]}')"
    return answer


def wilson(votes: int, of: int) -> Share:
    """Wilson's score interval of a share."""
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + LEVEL / 2))
    p = votes / of
    centre = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return Share(votes, of, max(0.0, centre - half), min(1.0, centre + half))


def opinion_score(scores: Mapping[str, list[int]]) -> Opinion | None:
    """Mean over the participants of each one's mean, with Student's interval; None without a score."""
    from scipy.stats import t

    own = [sum(given) / len(given) for given in scores.values()]
    average = mean(own)
    if average is None:
        return None
    count = sum(map(len, scores.values()))
    if len(own) < 2:
        return Opinion(average, None, None, count)
    spread = math.sqrt(sum((value - average) ** 2 for value in own) / (len(own) - 1))
    half = float(t.ppf(0.5 + LEVEL / 2, len(own) - 1)) * spread / math.sqrt(len(own))
    return Opinion(average, max(1.0, average - half), min(5.0, average + half), count)
