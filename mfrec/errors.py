"""The exceptions mfrec raises on purpose.

::

    MfrecError                 something the user can act on
    ├── UsageError             exit 2: an option, a recipe key, an output folder
    ├── InputError             exit 3: the frames cannot be used
    │   ├── NoFramesError      nothing readable was found
    │   └── NoFaceError        frames were read, but no face was found to follow
    ├── WeightsError           exit 4: a card or a weights file is missing, damaged or unsafe
    └── IdentityError          exit 5: under --strict, the result is less like its frames than they are like each other

A message says what was found, what was expected and what to try next. Anything else that
escapes from mfrec is a defect of mfrec.
"""


class MfrecError(Exception):
    """Base of every error that mfrec raises on purpose."""

    exit_code = 1


class UsageError(MfrecError):
    """The command, an option or a recipe asks for something that does not exist."""

    exit_code = 2


class InputError(MfrecError):
    """The given frames cannot be used."""

    exit_code = 3


class NoFramesError(InputError):
    """No readable frame was found where frames were expected."""


class NoFaceError(InputError):
    """Frames were read, but no face that could be followed was found in them."""


class WeightsError(MfrecError):
    """A card or a weights file is missing, damaged or of an unsafe format."""

    exit_code = 4


class IdentityError(MfrecError):
    """Asked to be strict: the result lies farther from the frames than these lie from each other."""

    exit_code = 5
