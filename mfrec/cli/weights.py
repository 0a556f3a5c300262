"""``mfrec weights``: the networks' weights that are installed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mfrec.cli.console import print_json, print_line
from mfrec.cli.options import Json
from mfrec.errors import UsageError


def weights_list(as_json: Json = False) -> None:
    """Print every card: what the network does, and under which licence."""
    from mfrec.cards.load import card_names, cards_folder, read_card

    cards = [read_card(cards_folder() / f"{name}.toml") for name in card_names()]
    if as_json:
        print_json([asdict(card) for card in cards])
        return
    for card in cards:
        state = f"{card.file}, SHA-256 {card.sha256}" if card.sha256 else "not trained"
        print_line(f"{card.name}: {card.summary}\n  {state}\n  {card.licence}")


def weights_verify(as_json: Json = False) -> None:
    """Check every weights file against the hash on its card. Ends with code 4 where one is missing or damaged.

    A card with a recipe that nobody has trained yet has no weights, and is said to be not trained.
    """
    from mfrec.cards.load import card_names, cards_folder, read_card, read_state
    from mfrec.errors import WeightsError

    problems: dict[str, str | None] = {}
    for name in card_names():
        try:
            card = read_card(cards_folder() / f"{name}.toml")
            if card.sha256:
                read_state(card)
            problems[name] = "" if card.sha256 else None
        except WeightsError as error:
            problems[name] = str(error)
    if as_json:
        print_json({name: {"intact": None if p is None else not p, "problem": p} for name, p in problems.items()})
    else:
        for name, problem in problems.items():
            print_line(f"{name}: {'not trained' if problem is None else problem or 'intact'}")
    if any(problems.values()):
        raise typer.Exit(WeightsError.exit_code)


def weights_export(
    name: Annotated[str, typer.Argument(help="A card, or a path ending in .toml.", show_default=False)],
    *,
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the only format there is.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Write a network in another format, checked against PyTorch."""
    if not onnx:
        raise UsageError("no format was given; the only one is --onnx")
    from mfrec.cards.onnx import export_onnx

    found = export_onnx(name, out)
    if as_json:
        print_json(asdict(found))
        return
    for input_name, shape in found.inputs.items():
        print_line(f"input {input_name} [{', '.join(map(str, shape))}]")
    print_line(f"outputs {', '.join(found.outputs)}")
    print_line(f"{out}: differs from PyTorch by {found.difference:.1e} at most")


def weights_mix(
    first: Annotated[str, typer.Argument(help="A card, or a path ending in .toml.", show_default=False)],
    second: Annotated[str, typer.Argument(help="Another training of the same network.", show_default=False)],
    *,
    alpha: Annotated[
        float,
        typer.Option("--alpha", help="Share of the second: 0 is the first, 1 the second.", show_default=False),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Card to write, NAME.toml; weights beside it.")],
    as_json: Json = False,
) -> None:
    """Write the weights between two trainings of one network, such as a PSNR phase and its adversarial phase.

    At both ends the weights are those of that card bit for bit. The result counts as adversarial where one of its parts
    is.
    """
    from mfrec.cards.mix import mix

    found = mix(first, second, alpha, out)
    if as_json:
        print_json({"card": str(found.card), "objective": found.objective, "normalised": found.normalised})
        return
    print_line(f"{found.card}: {found.objective}")


def weights_add(
    file: Annotated[Path, typer.Argument(help="The pickle of a StyleGAN2-ADA generator.", show_default=False)],
    *,
    licence: Annotated[str, typer.Option("--licence", help="Of the weights; the file does not say it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Card to write, NAME.toml; weights beside it.")],
    as_json: Json = False,
) -> None:
    """Write an official generator of faces as a card of mfrec. The pickle is read for its tensors, and never run.

    What it draws is NOT EVIDENCE, as of every generator: imagine.card=NAME.toml in the recipe generative.
    """
    from mfrec.cards.official_stylegan2 import add_stylegan2

    found = add_stylegan2(file, licence, out)
    if as_json:
        print_json({"card": str(found.card), "side": found.side, "parameters": found.parameters})
        return
    print_line(f"{found.card}: {found.side} px, {found.parameters:,} parameters")


def weights_directions(
    card: Annotated[str, typer.Argument(help="A generator's card, or a path ending in .toml.", show_default=False)],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Card to write, NAME.toml; weights beside it.")],
    faces: Annotated[int, typer.Option("--faces", help="How many faces to draw and to score.")] = 4000,
    seed: Annotated[int, typer.Option("--seed", help="Of the faces.")] = 0,
    as_json: Json = False,
) -> None:
    """Learn the directions along which a generator's faces turn, smile and open the mouth, and write them as a card."""
    from mfrec.generative.learnt_directions import learn

    names = learn(card, out, faces=faces, seed=seed)
    if as_json:
        print_json({"card": str(out), "names": names})
        return
    print_line(f"{out}: {', '.join(names)}")
