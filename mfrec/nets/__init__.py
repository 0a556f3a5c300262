"""Networks, one a file, with paper and licence on top.

:data:`NETS` maps the ``net`` of a card to the constructor, which takes the verified tensors first.
"""

from collections.abc import Callable
from typing import Any

from mfrec.nets.mtcnn import Mtcnn

NETS: dict[str, Callable[..., Any]] = {"mtcnn": Mtcnn}
