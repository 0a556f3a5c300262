"""The losses of training, by name, and their weighted sum.

A loss takes what was made and what is wanted, two mappings of tensors, and gives one number to be made small:

* ``made["image"]`` ``[B, 3, H, W]`` RGB, about [0, 1]; ``made["log_variance"]`` ``[B, 1, H, W]``;
* ``made["gaze"]`` and ``wanted["gaze"]`` ``[B, 2]`` in radians, of a network that makes no picture;
* ``wanted["truth"]`` ``[B, 3, H, W]``; ``wanted["points"]`` ``[B, 68, 2]`` landmarks of the truth in its pixels, NaN
  where unknown; ``wanted["labels"]`` ``[B, H, W]`` ids of :class:`mfrec.types.Region`;
* of a parser ``made["scores"]`` ``[B, C, H, W]`` before the softmax and, where it is supervised deeply,
  ``made["context"]`` and ``made["deep"]`` ``[B, C, h, w]`` on coarser grids.

All sums over pixels are in float32, whatever mixed precision the networks run in. A truth never gets a gradient.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mfrec.cards.load import load_network
from mfrec.errors import UsageError
from mfrec.metrics.serfiq import MIDDLE, SLOPE
from mfrec.nets.recognition import FINE_SIDE, Recognition, upright_faces
from mfrec.recipe import nearest
from mfrec.train.data.labelled_faces import UNLABELLED
from mfrec.train.trunks import Trunk, Vgg19Trunk, load_trunk
from mfrec.types import Region

Values = Mapping[str, Tensor]


class L1(nn.Module):
    """Mean absolute difference."""

    def forward(self, made: Values, wanted: Values) -> Tensor:
        image, truth = pair(made, wanted)
        return (image - truth).abs().mean()


class Mse(nn.Module):
    """Mean squared difference; its minimum is the maximum of PSNR."""

    def forward(self, made: Values, wanted: Values) -> Tensor:
        image, truth = pair(made, wanted)
        return (image - truth).square().mean()


class Psnr(nn.Module):
    """``mean over the pictures of 10 log10(mean(d^2))``: minus the PSNR, in dB.

    Chen, Lu, Zhang, Chu and Chen, "HINet: half instance normalization network for image restoration", CVPRW 2021, train
    on it. Where a picture leaves two answers open it asks for their mean, as the squared difference does, and it
    weighs an easy picture as much as a hard one, as a table of PSNR does.

    Args:
        floor: squared difference below which a picture counts as perfect.
    """

    def __init__(self, *, floor: float = 1e-6) -> None:
        super().__init__()
        self.floor = floor

    def forward(self, made: Values, wanted: Values) -> Tensor:
        image, truth = pair(made, wanted)
        return 10 * torch.log10((image - truth).square().mean(dim=(1, 2, 3)) + self.floor).mean()


class Charbonnier(nn.Module):
    """``mean(sqrt(d^2 + epsilon^2))``: L1 without its corner.

    Charbonnier, Blanc-Féraud, Aubert and Barlaud, ICIP 1994; for super-resolution Lai, Huang, Ahuja and Yang, "Deep
    Laplacian pyramid networks for fast and accurate super-resolution", CVPR 2017, eq. 2, with ``epsilon`` = 1e-3.

    Args:
        epsilon: where the corner begins.
    """

    def __init__(self, *, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, made: Values, wanted: Values) -> Tensor:
        image, truth = pair(made, wanted)
        return ((image - truth).square() + self.epsilon**2).sqrt().mean()


class Uncorrected(Charbonnier):
    """:class:`Charbonnier` of the picture before the network's ``correction``: the weighted mean of the frames.

    It teaches the weights by themselves, so that they do not lean on a correction that makes good what they miss.
    """

    def forward(self, made: Values, wanted: Values) -> Tensor:
        mean = needed(made, "image", "uncorrected") - needed(made, "correction", "uncorrected")
        return super().forward({**made, "image": mean}, wanted)


class Variance(nn.Module):
    """Negative log likelihood of the truth under the predicted picture and variance.

    ``mean(exp(-s) d^2 / 2 + s / 2)`` with the predicted log variance ``s`` of a pixel (the same for its three
    colours): Kendall and Gal, "What uncertainties do we need in Bayesian deep learning for computer vision?", NeurIPS
    2017, eq. 8. A pixel that the network gives up by raising its variance is soon left alone by the likelihood; so each
    pixel's term may be multiplied by ``exp(beta s)``, held constant: Seitzer, Tavakoli, Antic and Martius, "On the
    pitfalls of heteroscedastic uncertainty estimation with probabilistic neural networks", ICLR 2022, eq. 5.
    ``beta`` = 0 is the likelihood itself.

    Args:
        beta: see above, in [0, 1].
        teach_image: false holds the picture constant, so that another loss alone teaches it.
    """

    def __init__(self, *, beta: float = 0.0, teach_image: bool = True) -> None:
        super().__init__()
        if not 0 <= beta <= 1:
            raise ValueError(f"beta lies in [0, 1], not at {beta}")
        self.beta, self.teach_image = beta, teach_image

    def forward(self, made: Values, wanted: Values) -> Tensor:
        image, truth = pair(made, wanted)
        image = image if self.teach_image else image.detach()
        log_variance = needed(made, "log_variance", "variance").float()
        term = 0.5 * (torch.exp(-log_variance) * (image - truth).square() + log_variance)
        return (torch.exp(self.beta * log_variance.detach()) * term).mean()


class Euclidean(nn.Module):
    """``mean |made - wanted|`` of gaze: the distance of two pairs of angles in radians.

    Zhang, Sugano, Fritz and Bulling, "Appearance-based gaze estimation in the wild", CVPR 2015, section 4.3.
    """

    def forward(self, made: Values, wanted: Values) -> Tensor:
        gaze, target = needed(made, "gaze", "euclidean"), needed(wanted, "gaze", "euclidean")
        return torch.linalg.vector_norm(gaze.float() - target.float(), dim=1).mean()


class Perceptual(nn.Module):
    """Feature reconstruction: ``sum over layers of mean((phi(made) - phi(truth))^2)``.

    Johnson, Alahi and Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", ECCV 2016, eq. 2.

    Args:
        layers: which of the trunk's five levels are compared, 1 (fine) to 5 (coarse).
        trunk, weights: see :func:`mfrec.train.trunks.load_trunk`; ``trunk`` may be a network itself.
    """

    def __init__(
        self, *, layers: Sequence[int] = (2, 3, 4), trunk: str | Trunk = "recognition", weights: str = ""
    ) -> None:
        super().__init__()
        self.layers = chosen_layers(layers)
        self.trunk = trunk if isinstance(trunk, Trunk) else load_trunk(trunk, weights)

    def forward(self, made: Values, wanted: Values) -> Tensor:
        maps = feature_maps(self.trunk, self.layers, made, wanted)
        return torch.stack([(a - b).square().mean() for a, b in maps]).sum()


class Vgg19(nn.Module):
    """The content loss of SRGAN and ESRGAN: the difference of one map of VGG19, ``mean(d^2)`` or ``mean(|d|)``.

    Ledig et al., CVPR 2017, eq. 5, compare VGG2,2 or VGG5,4 after the rectifier by squares (and scale the maps by
    1 / 12.75, which is a weight of 0.006). Wang et al., ECCV workshops 2018, section 3.3, compare VGG5,4 before it.

    Args:
        layer: such as ``"5_4"`` or ``"2_2"``.
        activated: after the rectifier.
        distance: ``"l2"`` or ``"l1"``.
        weights: the file of VGG19's weights, see :func:`mfrec.train.trunks.load_trunk`.
        network: the trunk itself in place of a file.
    """

    def __init__(
        self,
        *,
        layer: str = "5_4",
        activated: bool = True,
        distance: str = "l2",
        weights: str = "",
        network: Vgg19Trunk | None = None,
    ) -> None:
        super().__init__()
        known = [f"{i + 1}_{j + 1}" for i, widths in enumerate(Vgg19Trunk.WIDTHS) for j in range(len(widths))]
        if layer not in known:
            raise ValueError(f"layer is one of {', '.join(known)}, not '{layer}'")
        if distance not in ("l1", "l2"):
            raise ValueError(f"distance is 'l1' or 'l2', not '{distance}'")
        level, convolution = layer.split("_")
        self.layer, self.activated, self.distance = (int(level), int(convolution)), activated, distance
        self.trunk = network or load_trunk("vgg19", weights)

    def forward(self, made: Values, wanted: Values) -> Tensor:
        image, truth = pair(made, wanted)
        trunk: Any = self.trunk
        with torch.no_grad():
            target = trunk.tap(truth, self.layer, activated=self.activated).float()
        difference = trunk.tap(image, self.layer, activated=self.activated).float() - target
        return difference.abs().mean() if self.distance == "l1" else difference.square().mean()


class Gram(nn.Module):
    """Style: ``sum over layers of |G(made) - G(truth)|^2``, ``G = phi phi^T / (C H W)``, squared Frobenius norm.

    Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks", CVPR 2016, eq. 3 and 4,
    normalised as by Johnson, Alahi and Fei-Fei, ECCV 2016, eq. 3 and 4. The mean over the batch.

    Args:
        layers, trunk, weights: as of :class:`Perceptual`.
    """

    def __init__(
        self, *, layers: Sequence[int] = (1, 2, 3, 4), trunk: str | Trunk = "recognition", weights: str = ""
    ) -> None:
        super().__init__()
        self.layers = chosen_layers(layers)
        self.trunk = trunk if isinstance(trunk, Trunk) else load_trunk(trunk, weights)

    def forward(self, made: Values, wanted: Values) -> Tensor:
        maps = feature_maps(self.trunk, self.layers, made, wanted)
        with float32(made):
            return torch.stack([(gram(a) - gram(b)).square().sum(dim=(1, 2)).mean() for a, b in maps]).sum()


class RegionStyle(nn.Module):
    """Semantic-aware style: Gram matrices of every face region by itself.

    ``sum over layers and regions of |G(made, M) - G(truth, M)|`` with the Frobenius norm and
    ``G(phi, M) = (phi M)(phi M)^T / (sum M + epsilon)``, the mean over the batch: Chen, Li, Yang, Lin, Zhang and Wong,
    "Progressive semantic-aware style transformation for blind face restoration" (PSFR-GAN), CVPR 2021, section 3.3.
    A region's mask ``M`` is its share of each cell of the layer, so that thin regions do not vanish; the background
    counts as a region, and one that the truth does not show does not count. The paper compares relu1_1 to relu5_1 of
    VGG19, which are the levels of the trunk ``"vgg19_first"``.

    Args:
        layers, trunk, weights: as of :class:`Perceptual`.
        epsilon: added to the area of a region, in cells.
    """

    def __init__(
        self,
        *,
        layers: Sequence[int] = (1, 2, 3, 4, 5),
        trunk: str | Trunk = "recognition",
        weights: str = "",
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__()
        self.layers = chosen_layers(layers)
        self.trunk = trunk if isinstance(trunk, Trunk) else load_trunk(trunk, weights)
        self.epsilon = epsilon

    def forward(self, made: Values, wanted: Values) -> Tensor:
        labels = needed(wanted, "labels", "region_style")
        present = [region for region in Region if bool((labels == region).any())]
        masks = torch.stack([(labels == region).float() for region in present], dim=1)
        out = []
        for a, b in feature_maps(self.trunk, self.layers, made, wanted):
            with float32(made):
                small = nn.functional.adaptive_avg_pool2d(masks, (a.shape[-2], a.shape[-1]))
                out += [self.difference(a, b, small[:, i : i + 1]) for i in range(len(present))]
        return torch.stack(out).sum()

    def difference(self, a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
        """Of two maps ``[B, C, H, W]`` under one mask ``[B, 1, H, W]``: a number."""
        cells = mask.sum(dim=(1, 2, 3)) + self.epsilon
        matrices = [torch.einsum("bchw,bdhw->bcd", x * mask, x * mask) / cells.view(-1, 1, 1) for x in (a, b)]
        return torch.linalg.vector_norm(matrices[0] - matrices[1], dim=(1, 2)).mean()


class RecognitionLoss(nn.Module):
    """Base of the losses that look at the upright face with the recognition network, which stays as it is.

    Args:
        network: None takes the shipped one.
    """

    def __init__(self, *, network: Recognition | None = None) -> None:
        super().__init__()
        self.network = (network or load_network("recognition")).eval().requires_grad_(False)

    def train(self, mode: bool = True) -> RecognitionLoss:
        """Stays in eval mode."""
        del mode
        return super().train(False)


class Identity(RecognitionLoss):
    """How far the embedding of what was made lies from that of the truth.

    ``"euclidean"``: ``|e(made) - e(truth)|^2``, the square of what mfrec measures identity by, with our network in the
    place of dlib's; Huang, Zhang, Li and He, "Beyond face rotation" (TP-GAN), ICCV 2017, eq. 7, compare features of a
    recognition network likewise. ``"cosine"``: ``1 - cos(e(made), e(truth))``. The mean over the faces, weighted
    with the share of each that lies in the picture; one without landmarks has none, and a batch without faces gives 0.
    """

    def __init__(self, *, distance: str = "euclidean", network: Recognition | None = None) -> None:
        super().__init__(network=network)
        if distance not in ("euclidean", "cosine"):
            raise ValueError(f"distance is 'euclidean' or 'cosine', not '{distance}'")
        self.distance = distance

    def forward(self, made: Values, wanted: Values) -> Tensor:
        points = needed(wanted, "points", "identity")
        image, truth = pair(made, wanted)
        faces, seen = upright_faces(image, points)
        embedding = self.network(faces).float()
        with torch.no_grad():
            target = self.network(upright_faces(truth, points)[0]).float()
        if self.distance == "euclidean":
            return weighted_mean((embedding - target).square().sum(dim=1), seen)
        return weighted_mean(1 - nn.functional.cosine_similarity(embedding, target), seen)


class SerFiq(RecognitionLoss):
    """How far the rescaled SER-FIQ quality of what was made is from 1; the truth is not looked at.

    The quality ``q`` is that of Terhörst et al., CVPR 2020, eq. 1 (see :mod:`mfrec.metrics.serfiq`), from ten passes
    with dropout. It lies in a narrow band below 1, so it is stretched. ``"logistic"`` does it as the authors' release,
    by ``p = 1 / (1 + exp(-slope (q - middle)))``, with the two numbers that spread development faces over [0, 1], and
    the loss is ``1 - p``. ``"linear"`` is the thesis's: the worst quality that it met becomes 0.75 and the best 1.0,
    ``p = 0.75 + 0.25 (q - worst) / (best - worst)``, at most 1, and the loss is ``(1 - p)^2``.
    Faces are weighted as in :class:`Identity`.

    A high score means that *a* face is seen clearly. On its own it rewards invention; use it beside a pixel loss.

    Args:
        passes: ``m``.
        form: ``"logistic"`` or ``"linear"``.
        slope, middle: of ``"logistic"``.
        worst, best: of ``"linear"``; the thesis met 0.78 and 0.91 with its own network.
        network: as of :class:`RecognitionLoss`.
    """

    def __init__(
        self,
        *,
        passes: int = 10,
        form: str = "logistic",
        slope: float = SLOPE,
        middle: float = MIDDLE,
        worst: float = 0.78,
        best: float = 0.91,
        network: Recognition | None = None,
    ) -> None:
        super().__init__(network=network)
        if passes < 2:
            raise ValueError(f"SER-FIQ compares two passes at least, not {passes}")
        if form not in ("logistic", "linear"):
            raise ValueError(f"form is 'logistic' or 'linear', not '{form}'")
        if not worst < best:
            raise ValueError(f"the worst quality lies below the best, and {worst} is not below {best}")
        self.passes, self.form, self.slope, self.middle = passes, form, slope, middle
        self.worst, self.best = worst, best

    def forward(self, made: Values, wanted: Values) -> Tensor:
        faces, seen = upright_faces(made["image"].float(), needed(wanted, "points", "serfiq"), FINE_SIDE, finer=1)
        embeddings = self.network.stochastic(faces, self.passes).float()
        with float32(made):
            vectors = nn.functional.normalize(embeddings, dim=2)
            # Every pair once, as in eq. 1.
            distances = torch.stack([torch.pdist(each) for each in vectors.unbind(1)])
            quality = 2 * torch.sigmoid(-2 * distances.sum(dim=1) / self.passes**2)
            if self.form == "linear":
                rescaled = 0.75 + 0.25 * (quality - self.worst) / (self.best - self.worst)
                return weighted_mean((1 - rescaled.clamp(max=1)).square(), seen)
            return weighted_mean(torch.sigmoid(-self.slope * (quality - self.middle)), seen)


class Parsing(nn.Module):
    """Cross-entropy of a parser over hard pixels, with a weight for every class, at every depth that it scores at.

    ``L = l(scores) + auxiliary (l(context) + l(deep))``: Yu et al., "BiSeNet", ECCV 2018, eq. 2. ``l`` is the mean,
    weighted by ``w`` of the true class, of ``-log p(true class)`` over the hard pixels alone: those whose probability
    is below ``hard``, and the worst sixteenth at least (online hard example mining, Shrivastava, Gupta and Girshick,
    CVPR 2016, in the form that segmentation uses). ``w = 1 / ln(softness + share of the class)``: Paszke, Chaurasia,
    Kim and Culurciello, "ENet", 2016, section 5.2. Coarse scores are compared
    with the labels at the middles of their cells.

    Args:
        hard: probability of the true class from which on a pixel is easy.
        auxiliary: weight of the deep supervision.
        softness: above 1; the smaller, the more a rare class weighs.
        shares: of the pixels that each class fills; empty weighs all alike.
    """

    weights: Tensor | None

    def __init__(
        self, *, hard: float = 0.7, auxiliary: float = 1.0, softness: float = 1.1, shares: Sequence[float] = ()
    ) -> None:
        super().__init__()
        if not 0 < hard <= 1 or not softness > 1 or any(share < 0 for share in shares):
            raise ValueError("'hard' lies in (0, 1], 'softness' above 1, and no share is negative")
        self.hard, self.auxiliary = hard, auxiliary
        weights = 1 / torch.log(softness + torch.tensor(shares)) if shares else None
        self.register_buffer("weights", weights)

    def forward(self, made: Values, wanted: Values) -> Tensor:
        labels = needed(wanted, "labels", "parsing")
        total = self.hard_pixels(needed(made, "scores", "parsing"), labels)
        for name in ("context", "deep"):
            if name in made:
                total = total + self.auxiliary * self.hard_pixels(made[name], labels)
        return total

    def hard_pixels(self, scores: Tensor, labels: Tensor) -> Tensor:
        """``l`` of the class docstring. Pixels with the label 255 count nowhere; without any other it is 0."""
        scores = scores.float()
        step = round(labels.shape[-1] / scores.shape[-1])
        labels = labels[:, step // 2 :: step, step // 2 :: step]
        known = labels != UNLABELLED
        entropy = nn.functional.cross_entropy(scores, labels, ignore_index=UNLABELLED, reduction="none")[known]
        if entropy.numel() == 0:
            return scores.sum() * 0
        least = -(-entropy.numel() // 16)
        bound = torch.topk(entropy.detach(), least, sorted=False).values.min().clamp(max=-math.log(self.hard))
        kept = (entropy.detach() >= bound).float()
        if self.weights is not None:
            kept = kept * self.weights[labels[known]]
        return (kept * entropy).sum() / kept.sum()


LOSSES: dict[str, type[nn.Module]] = {
    "charbonnier": Charbonnier,
    "euclidean": Euclidean,
    "gram": Gram,
    "identity": Identity,
    "l1": L1,
    "mse": Mse,
    "parsing": Parsing,
    "perceptual": Perceptual,
    "psnr": Psnr,
    "region_style": RegionStyle,
    "serfiq": SerFiq,
    "uncorrected": Uncorrected,
    "variance": Variance,
    "vgg19": Vgg19,
}
"""The name in a recipe to the loss; its keyword arguments are the options that a recipe may set."""


class WeightedSum(nn.Module):
    """A sum of losses that keeps its terms apart, so that each can be logged.

    Args:
        losses: name to loss.
        weights: name to its factor.
    """

    def __init__(self, losses: Mapping[str, nn.Module], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.losses = nn.ModuleDict(losses)
        self.weights = dict(weights)

    def terms(self, made: Values, wanted: Values) -> dict[str, Tensor]:
        """Each loss by itself, before its weight."""
        return {name: loss(made, wanted) for name, loss in self.losses.items()}

    def total(self, terms: Values) -> Tensor:
        """The weighted sum of what :meth:`terms` gave; 0 of none."""
        if not terms:
            return torch.zeros(())
        return torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()

    def forward(self, made: Values, wanted: Values) -> Tensor:
        return self.total(self.terms(made, wanted))


def weighted_sum(recipe: Mapping[str, Any]) -> WeightedSum:
    """The sum of losses that a recipe asks for.

    Args:
        recipe: name to weight, or to a table with ``weight`` and options of that loss, such as
            ``{"charbonnier": 1.0, "perceptual": {"weight": 0.05, "layers": [2, 3]}}``.

    Raises:
        UsageError: an unknown loss or option, a value that the loss refuses, or a weight that is no number from 0 on.
        WeightsError: the network of a loss is missing or damaged.
    """
    losses, weights = {}, {}
    for name, value in recipe.items():
        if name not in LOSSES:
            raise UsageError(f"there is no loss '{name}'{nearest(name, LOSSES)}")
        options = dict(value) if isinstance(value, Mapping) else {"weight": value}
        weight = options.pop("weight", None)
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight < math.inf:
            raise UsageError(f"the weight of the loss '{name}' has to be a number from 0 on, not {weight!r}")
        parameters = inspect.signature(LOSSES[name]).parameters.values()
        known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "network"]
        for key in options:
            if key not in known:
                raise UsageError(f"the loss '{name}' has no option '{key}'{nearest(key, ['weight', *known])}")
        try:
            losses[name] = LOSSES[name](**options)
        except (TypeError, ValueError) as error:
            raise UsageError(f"the options of the loss '{name}' do not fit: {error}") from None
        weights[name] = float(weight)
    return WeightedSum(losses, weights)


def needed(values: Values, key: str, loss: str) -> Tensor:
    """A tensor that a loss cannot do without.

    Raises:
        UsageError: it is not there.
    """
    if key not in values:
        raise UsageError(
            f"the loss '{loss}' needs '{key}', and there are only {', '.join(values)}; take another loss, a data set "
            f"that has it, or a network that predicts it"
        )
    return values[key]


def pair(made: Values, wanted: Values) -> tuple[Tensor, Tensor]:
    """What was made and the truth, both float32.

    Raises:
        ValueError: they differ in shape, which broadcasting would hide.
    """
    image, truth = made["image"], wanted["truth"]
    if image.shape != truth.shape:
        raise ValueError(f"made {list(image.shape)}, but the truth is {list(truth.shape)}")
    return image.float(), truth.detach().float()


def float32(made: Values) -> torch.autocast:
    """The context in which mixed precision is off: for sums of products, which bfloat16 would round to two digits."""
    return torch.autocast(made["image"].device.type, enabled=False)


def chosen_layers(layers: Sequence[int]) -> tuple[int, ...]:
    """Checked numbers of levels.

    Raises:
        ValueError: none, one twice, or one that is not 1 to 5.
    """
    chosen = tuple(layers)
    if not chosen or len(set(chosen)) < len(chosen) or set(chosen) - {1, 2, 3, 4, 5}:
        raise ValueError(f"layers are different numbers from 1 (fine) to 5 (coarse), not {list(layers)}")
    return chosen


def feature_maps(trunk: Trunk, layers: Sequence[int], made: Values, wanted: Values) -> list[tuple[Tensor, Tensor]]:
    """Pairs of float32 maps of what was made and of the truth, one for each layer."""
    image, truth = pair(made, wanted)
    with torch.no_grad():
        targets = trunk(truth)
    maps = trunk(image)
    return [(maps[i - 1].float(), targets[i - 1].float()) for i in layers]


def gram(features: Tensor) -> Tensor:
    """``[B, C, H, W]`` to ``[B, C, C]``, divided by ``C H W``."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Mean of ``[B]`` with weights ``[B]``; 0 where all weights are, and what has none may be NaN."""
    values = torch.where(weights > 0, values, 0.0)
    return (weights * values).sum() / weights.sum().clamp(min=1e-6)
