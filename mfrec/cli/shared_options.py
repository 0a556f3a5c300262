"""Options that are declared once and stand in the signatures of several commands."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def with_options(name: str, declared: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """For a command: the parameters of a function in the place of one of its own, which gets what the function returns.

    Typer reads the options of a command from its signature, and calls it by keyword.

    Args:
        name: of the command's parameter.
        declared: its parameters are the options; it makes one value of them.
    """
    shared = inspect.signature(declared, eval_str=True).parameters

    def around(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(**given: Any) -> None:
            value = declared(**{option: given.pop(option) for option in shared})
            command(**given, **{name: value})

        parameters: list[inspect.Parameter] = []
        for own, parameter in inspect.signature(command, eval_str=True).parameters.items():
            parameters += shared.values() if own == name else [parameter]
        called.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
        return called

    return around
