"""The second network of an adversarial training: a discriminator, its optimiser, and the losses of both sides.

Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, with the non-saturating loss of the generator; the
relativistic average of Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019, in the form of Wang et al.,
"ESRGAN", ECCV workshops 2018, eq. 1 and 2; the penalty R1 of Mescheder, Geiger and Nowozin, "Which training methods for
GANs do actually converge?", ICML 2018, eq. 9, as rarely as in Karras et al., CVPR 2020. Discriminators return logits,
and probabilities are never formed: the cross-entropies are computed from the logits.

A card says all of it in its table ``[recipe.adversarial]``::

    [recipe.adversarial]
    discriminator = "srgan_discriminator"     # of mfrec.nets.NETS
    weight = 1e-3                             # of the generator's adversarial loss
    learning_rate = 1e-4
    arguments = { height = 64, width = 64 }
"""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mfrec.errors import UsageError
from mfrec.nets import NETS, network_class
from mfrec.recipe import nearest
from mfrec.train.augmentation import CHANGES, augmented


@dataclass(frozen=True)
class AdversarialRecipe:
    """How a discriminator learns beside the generator; the schedule of the learning rate is that of the recipe.

    Attributes:
        discriminator: a network of :data:`mfrec.nets.NETS`.
        weight: of the adversarial loss in the generator's sum.
        learning_rate: the largest of the discriminator's.
        arguments: of the discriminator's constructor.
        relativistic: compare each picture with the mean of the other kind in place of judging it alone.
        first: who is updated first in a step.
        batches: ``"another"`` gives the generator other samples than the discriminator, so a step takes twice as many.
        updates: ``"joint"`` updates the discriminator once, on real and made pictures; ``"separate"`` on the real ones,
            and then on the made ones.
        real_labels, made_labels: between which numbers the discriminator's labels are drawn; equal ones are no noise.
        betas: of the discriminator's Adam.
        milestones: of its learning rate, where it has others than the recipe.
        r1: gamma of ``gamma / 2 |dD/dx|^2`` on real pictures; 0 is none.
        r1_every: in every so many updates R1 is computed, and counts as much as it would in all of them.
        augment: changes of :data:`mfrec.train.augmentation.CHANGES` that all pictures undergo before they are judged.
    """

    discriminator: str
    weight: float
    learning_rate: float
    arguments: dict[str, Any] = field(default_factory=dict)
    relativistic: bool = False
    first: Literal["discriminator", "generator"] = "discriminator"
    batches: Literal["same", "another"] = "same"
    updates: Literal["joint", "separate"] = "joint"
    real_labels: tuple[float, float] = (1.0, 1.0)
    made_labels: tuple[float, float] = (0.0, 0.0)
    betas: tuple[float, float] = (0.9, 0.999)
    milestones: tuple[int, ...] = ()
    r1: float = 0.0
    r1_every: int = 16
    augment: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.discriminator not in NETS:
            raise ValueError(f"'discriminator' is '{self.discriminator}'{nearest(self.discriminator, NETS)}")
        if not 0 < self.weight < math.inf or not 0 < self.learning_rate <= 10:
            raise ValueError(f"'weight' {self.weight} and 'learning_rate' {self.learning_rate} have to be above 0")
        for name in ("real_labels", "made_labels"):
            low, high = getattr(self, name)
            if not 0 <= low <= high <= 1:
                raise ValueError(f"'{name}' is {[low, high]}; expected two numbers in [0, 1], the smaller one first")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"'betas' is {self.betas}; expected two numbers from 0 to below 1")
        if self.relativistic and (self.updates == "separate" or self.noisy):
            raise ValueError("a relativistic discriminator compares real and made, so 'updates' is joint without noise")
        for name in self.augment:
            if name not in CHANGES:
                raise ValueError(f"'augment' has '{name}'{nearest(name, CHANGES)}")
        if not 0 <= self.r1 < math.inf or self.r1_every < 1:
            raise ValueError(f"'r1' is {self.r1} and 'r1_every' {self.r1_every}; expected numbers from 0 and from 1")
        if self.r1 and self.updates == "separate":
            raise ValueError("'r1' is for 'updates' that are joint")
        if self.batches == "another" and self.first == "generator":
            raise ValueError("'batches' is 'another', which asks for 'first' to be the discriminator")

    @property
    def noisy(self) -> bool:
        """Whether labels are anything but 1 and 0."""
        return (*self.real_labels, *self.made_labels) != (1.0, 1.0, 0.0, 0.0)


class Judged(typing.NamedTuple):
    """What a discriminator said of a step's pictures, counted; a logit above 0 means "real".

    Attributes:
        right_real, real: real pictures that were called real, and how many there were.
        right_made, made: made pictures that were called made, and how many there were.
    """

    right_real: int = 0
    real: int = 0
    right_made: int = 0
    made: int = 0

    def scores(self) -> dict[str, float]:
        """Accuracy, and F1, recall, precision and specificity of finding the real ones; NaN where nothing is asked."""
        called_real = self.right_real + self.made - self.right_made
        return {
            "accuracy": ratio(self.right_real + self.right_made, self.real + self.made),
            "f1": ratio(2 * self.right_real, self.real + called_real),
            "recall": ratio(self.right_real, self.real),
            "precision": ratio(self.right_real, called_real),
            "specificity": ratio(self.right_made, self.made),
        }


def ratio(part: int, whole: int) -> float:
    """``part / whole``, NaN of nothing."""
    return part / whole if whole else math.nan


class Adversary:
    """A discriminator that learns.

    Args:
        recipe: how.
        seed: of its initial weights. torch's generator is left as it was.

    Raises:
        UsageError: the discriminator does not take its arguments.
    """

    def __init__(self, recipe: AdversarialRecipe, seed: int) -> None:
        self.recipe = recipe
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            try:
                self.network: nn.Module = network_class(recipe.discriminator)(**recipe.arguments)
            except (TypeError, ValueError) as error:
                raise UsageError(
                    f"the arguments of the discriminator '{recipe.discriminator}' do not fit: {error}"
                ) from None
        self.optimiser: torch.optim.Optimizer = torch.optim.Adam(
            self.network.parameters(), recipe.learning_rate, betas=recipe.betas
        )
        self.losses: dict[str, float] = {}
        self.judged = Judged()

    def to(self, device: str | torch.device, layout: torch.memory_format) -> None:
        """Bring the network to a device, and its weights into a layout, before the first update."""
        self.network.to(device, memory_format=layout)  # pyright: ignore[reportCallIssue]

    def state(self) -> dict[str, Any]:
        """Everything that :meth:`load` needs to go on with the same bits."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])

    def teach(self, real: Tensor, made: Tensor, learning_rate: float, step: int = 0) -> None:
        """Update the discriminator on real and on made pictures ``[B, C, H, W]``; neither gets a gradient.

        Labels and changes are drawn from torch's generator, which every step seeds by its number.

        Args:
            real, made: pictures.
            learning_rate: of this update.
            step: its number, which decides whether R1 is computed.
        """
        self.network.train().requires_grad_(True)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        penalised = self.recipe.r1 > 0 and step % self.recipe.r1_every == 0
        real = self.changed(real.detach()).requires_grad_(penalised)
        made = self.changed(made.detach())
        if self.recipe.updates == "separate":
            logits = self.network(real)
            true = self.update(real=self.entropy(logits, self.recipe.real_labels))
            others = self.network(made)
            false = self.update(made=self.entropy(others, self.recipe.made_labels))
            self.losses = {**true, **false}
        else:
            logits, others = self.network(real), self.network(made)
            if self.recipe.relativistic:
                logits, others = relative(logits, others)
            losses = {
                "real": self.entropy(logits, self.recipe.real_labels),
                "made": self.entropy(others, self.recipe.made_labels),
            }
            if penalised:
                losses["r1"] = self.recipe.r1_every * self.recipe.r1 / 2 * steepness(logits, real)
            self.losses = self.update(**losses)
        right = (int((logits > 0).sum()), len(logits), int((others <= 0).sum()), len(others))
        self.judged = Judged(*(a + b for a, b in zip(self.judged, right, strict=True)))

    def entropy(self, logits: Tensor, labels: tuple[float, float]) -> Tensor:
        """Binary cross-entropy of logits ``[B]`` against labels between two numbers."""
        low, high = labels
        wanted = torch.full_like(logits, low)
        if high > low:
            wanted = low + (high - low) * torch.rand_like(logits)
        return functional.binary_cross_entropy_with_logits(logits, wanted)

    def update(self, **losses: Tensor) -> dict[str, float]:
        """One step of the optimiser on the sum of losses; their values."""
        self.optimiser.zero_grad()
        torch.stack([*losses.values()]).sum().backward()
        self.optimiser.step()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def persuasion(self, real: Tensor, made: Tensor) -> Tensor:
        """The generator's adversarial loss; gradients go to ``made``, and none to the discriminator.

        ``-log D(made)``, or relativistic ``-log(1 - D(real, made)) - log D(made, real)``.
        """
        self.network.train().requires_grad_(False)
        logits = self.network(self.changed(made))
        if not self.recipe.relativistic:
            return functional.softplus(-logits).mean()
        with torch.no_grad():
            others = self.network(self.changed(real.detach()))
        others, logits = relative(others, logits)
        return functional.softplus(others).mean() + functional.softplus(-logits).mean()

    def changed(self, pictures: Tensor) -> Tensor:
        """Pictures as the discriminator sees them."""
        return augmented(pictures, self.recipe.augment)

    def figures(self) -> dict[str, float]:
        """Losses of the last update and scores of all since this was asked last, for TensorBoard."""
        judged, self.judged = self.judged, Judged()
        losses = {f"loss_{name}": value for name, value in self.losses.items()}
        return {**losses, **judged.scores(), "learning_rate": self.optimiser.param_groups[0]["lr"]}


def steepness(logits: Tensor, pictures: Tensor) -> Tensor:
    """``|dD/dx|^2``, the mean over a batch; it can be minimised itself."""
    (slope,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return slope.square().sum(dim=(1, 2, 3)).mean()


def relative(real: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """Both logits, each less the mean of the other kind: ``C(x_r) - E[C(x_f)]`` and the reverse."""
    return real - made.mean(), made - real.mean()
