"""Every loss against its formula, computed here in NumPy, and what all of them have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from schematic_face import POINTS
from torch import Tensor, nn

from mfrec.errors import UsageError
from mfrec.metrics.serfiq import quality
from mfrec.nets.recognition import FINE_SIDE, Recognition, upright_faces
from mfrec.train.data.labelled_faces import UNLABELLED
from mfrec.train.losses import (
    L1,
    LOSSES,
    Charbonnier,
    Euclidean,
    Gram,
    Identity,
    Mse,
    Parsing,
    Perceptual,
    Psnr,
    RegionStyle,
    SerFiq,
    Uncorrected,
    Variance,
    Vgg19,
    WeightedSum,
    weighted_sum,
)
from mfrec.train.trunks import RecognitionTrunk, Vgg19Trunk
from mfrec.types import Region

SIDE = 48

OF_PICTURES = sorted(set(LOSSES) - {"euclidean", "parsing"})
"""The losses that look at a picture; the others look at a gaze and at scores of regions."""

Values = dict[str, Tensor]


@pytest.fixture(scope="module")
def network() -> Recognition:
    """Small and untrained: the formulas do not depend on what it knows."""
    torch.manual_seed(0)
    network = Recognition(widths=(4, 6, 8, 8), depths=(1, 1, 1, 1), channels=4, hidden=16).eval()
    nn.init.zeros_(network.embedding.bias)  # or it would outweigh the face
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def trunk(network: Recognition) -> RecognitionTrunk:
    return RecognitionTrunk(network)


@pytest.fixture(scope="module")
def case() -> tuple[Values, Values]:
    """Two random pictures with all that a loss can ask for."""
    torch.manual_seed(1)
    truth = torch.rand(2, 3, SIDE, SIDE)
    made = {
        "image": truth + 0.2 * torch.randn(truth.shape),
        "log_variance": torch.randn(2, 1, SIDE, SIDE),
        "correction": 0.05 * torch.randn(truth.shape),
    }
    labels = torch.zeros(2, SIDE, SIDE, dtype=torch.long)
    labels[:, 10:30] = Region.SKIN
    labels[0, 15:20, 8:20] = Region.NOSE
    points = torch.tensor(POINTS * SIDE / 100).float().expand(2, 68, 2)
    return made, {"truth": truth, "points": points, "labels": labels}


def losses(network: Recognition, trunk: RecognitionTrunk) -> dict[str, nn.Module]:
    return {
        "charbonnier": Charbonnier(),
        "gram": Gram(trunk=trunk),
        "identity": Identity(network=network),
        "l1": L1(),
        "mse": Mse(),
        "perceptual": Perceptual(trunk=trunk),
        "psnr": Psnr(),
        "region_style": RegionStyle(trunk=trunk),
        "serfiq": SerFiq(network=network),
        "uncorrected": Uncorrected(),
        "variance": Variance(),
        "vgg19": Vgg19(layer="2_2", network=vgg19()),
    }


@functools.cache
def vgg19() -> Vgg19Trunk:
    """Untrained, but with all of its convolutions."""
    torch.manual_seed(0)
    return Vgg19Trunk().eval().requires_grad_(False)


def arrays(case: tuple[Values, Values]) -> tuple[np.ndarray, np.ndarray]:
    return case[0]["image"].double().numpy(), case[1]["truth"].double().numpy()


def maps(trunk: RecognitionTrunk, image: Tensor, layer: int) -> np.ndarray:
    with torch.no_grad():
        return trunk(image)[layer - 1].double().numpy()


# --- each against its formula ------------------------------------------------------------------------------


def test_pixel_losses(case: tuple[Values, Values]) -> None:
    made, truth = arrays(case)
    assert float(L1()(*case)) == pytest.approx(np.abs(made - truth).mean(), rel=1e-5)
    assert float(Mse()(*case)) == pytest.approx(((made - truth) ** 2).mean(), rel=1e-5)
    each = 10 * np.log10(((made - truth) ** 2).mean(axis=(1, 2, 3)))
    assert float(Psnr()(*case)) == pytest.approx(each.mean(), abs=1e-3)
    expected = np.hypot(made - truth, 0.05).mean()
    assert float(Charbonnier(epsilon=0.05)(*case)) == pytest.approx(expected, rel=1e-5)


def test_euclidean_is_the_distance_of_the_angles() -> None:
    made, wanted = torch.tensor([[0.3, 0.4], [0.1, 0.0]]), torch.tensor([[0.0, 0.0], [0.1, -0.2]])
    assert float(Euclidean()({"gaze": made}, {"gaze": wanted})) == pytest.approx((0.5 + 0.2) / 2)
    with pytest.raises(UsageError, match="'euclidean' needs 'gaze'"):
        Euclidean()({"image": made}, {"gaze": wanted})


def test_variance_is_the_likelihood_of_a_normal_distribution(case: tuple[Values, Values]) -> None:
    made, truth = arrays(case)
    sigma = np.exp(0.5 * case[0]["log_variance"].double().numpy())
    density = np.exp(-0.5 * ((truth - made) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    expected = -np.log(density).mean() - 0.5 * np.log(2 * np.pi)
    assert float(Variance()(*case)) == pytest.approx(expected, rel=1e-4)


def test_variance_is_smallest_at_the_mean_squared_error() -> None:
    truth = torch.rand(1, 3, 64, 64)
    made = truth + 0.1 * torch.randn(truth.shape)
    spread = float((made - truth).square().mean().log())
    values = [
        float(Variance()({"image": made, "log_variance": torch.full((1, 1, 64, 64), s)}, {"truth": truth}))
        for s in (spread - 0.3, spread, spread + 0.3)
    ]
    assert values[1] < min(values[0], values[2])


def test_beta_weights_each_pixel_and_passes_no_gradient(case: tuple[Values, Values]) -> None:
    made = {name: value.clone().requires_grad_() for name, value in case[0].items()}
    Variance(beta=1.0)(made, case[1]).backward()
    # With beta = 1 the gradient of the picture is that of half the mean squared error.
    expected = (made["image"] - case[1]["truth"]).detach() / made["image"].numel()
    assert torch.allclose(made["image"].grad, expected, atol=1e-8)  # pyright: ignore[reportArgumentType]


def test_the_variance_may_leave_the_picture_to_other_losses(case: tuple[Values, Values]) -> None:
    made = {name: value.clone().requires_grad_() for name, value in case[0].items()}
    held = Variance(teach_image=False)(made, case[1])
    held.backward()
    assert made["image"].grad is None and made["log_variance"].grad is not None
    assert float(held.detach()) == float(Variance()(*case))


def test_uncorrected_is_charbonnier_of_the_picture_before_the_correction(case: tuple[Values, Values]) -> None:
    mean = {**case[0], "image": case[0]["image"] - case[0]["correction"]}
    loss = Uncorrected()(*case)
    assert float(loss) == pytest.approx(float(Charbonnier()(mean, case[1])), rel=1e-6)
    assert float(loss) != pytest.approx(float(Charbonnier()(*case)), rel=1e-3)


def test_perceptual(case: tuple[Values, Values], trunk: RecognitionTrunk) -> None:
    layers = (1, 4)
    images = case[0]["image"], case[1]["truth"]
    expected = sum(((maps(trunk, images[0], i) - maps(trunk, images[1], i)) ** 2).mean() for i in layers)
    assert float(Perceptual(trunk=trunk, layers=layers)(*case)) == pytest.approx(expected, rel=1e-4)


def test_gram(case: tuple[Values, Values], trunk: RecognitionTrunk) -> None:
    expected = 0.0
    for layer in (2, 3):
        matrices = []
        for image in (case[0]["image"], case[1]["truth"]):
            phi = maps(trunk, image, layer)
            matrices.append(np.einsum("bchw,bdhw->bcd", phi, phi) / phi[0].size)
        expected += ((matrices[0] - matrices[1]) ** 2).sum(axis=(1, 2)).mean()
    assert float(Gram(trunk=trunk, layers=(2, 3))(*case)) == pytest.approx(expected, rel=1e-4)


def test_gram_does_not_see_where_things_are(case: tuple[Values, Values], trunk: RecognitionTrunk) -> None:
    truth = case[1]["truth"]
    # A shift by whole cells on a torus is not quite one for a padded network, hence "much smaller" only.
    moved, other = {"image": truth.roll(16, 3)}, {"image": torch.rand(truth.shape) ** 3}
    loss = Gram(trunk=trunk, layers=(1, 2))
    assert float(loss(moved, case[1])) < 0.05 * float(loss(other, case[1]))
    assert float(Mse()(moved, case[1])) > 0.1


def test_region_style(case: tuple[Values, Values], trunk: RecognitionTrunk) -> None:
    labels = case[1]["labels"].numpy()
    expected = 0.0
    for layer, cell in ((1, 2), (3, 4)):
        phis = [maps(trunk, image, layer) for image in (case[0]["image"], case[1]["truth"])]
        side = SIDE // cell
        for region in (Region.BACKGROUND, Region.SKIN, Region.NOSE):
            mask = (labels == region).reshape(2, side, cell, side, cell).mean(axis=(2, 4))
            matrices = []
            for phi in phis:
                masked = phi * mask[:, None]
                matrices.append(
                    np.einsum("bchw,bdhw->bcd", masked, masked) / (mask.sum(axis=(1, 2)) + 1e-8)[:, None, None]
                )
            expected += np.sqrt(((matrices[0] - matrices[1]) ** 2).sum(axis=(1, 2))).mean()
    assert float(RegionStyle(trunk=trunk, layers=(1, 3))(*case)) == pytest.approx(expected, rel=1e-4)


def test_region_style_sees_regions_change_places(case: tuple[Values, Values], trunk: RecognitionTrunk) -> None:
    half = torch.zeros(1, SIDE, SIDE, dtype=torch.long)
    half[..., SIDE // 2 :] = Region.SKIN
    image = torch.where(half.bool()[:, None], torch.rand(1, 3, SIDE, SIDE), 0.5)
    wanted = {"truth": image, "labels": half}
    swapped = {"image": image.flip(3)}
    assert float(RegionStyle(trunk=trunk, layers=(1,))(swapped, wanted)) > 10 * float(
        Gram(trunk=trunk, layers=(1,))(swapped, wanted)
    )


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_identity(case: tuple[Values, Values], network: Recognition, distance: str) -> None:
    made, wanted = case
    with torch.no_grad():
        cuts = [upright_faces(image, wanted["points"]) for image in (made["image"], wanted["truth"])]
        a, b = (network(faces).double().numpy() for faces, _ in cuts)
    if distance == "euclidean":
        values = ((a - b) ** 2).sum(axis=1)
    else:
        values = 1 - (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    expected = np.average(values, weights=cuts[0][1].numpy())
    assert float(Identity(distance=distance, network=network)(*case)) == pytest.approx(expected, rel=1e-3)


def logistic(score: np.ndarray) -> np.ndarray:
    return 1 - 1 / (1 + np.exp(-7.0 * (score - 0.6)))


def of_the_thesis(score: np.ndarray) -> np.ndarray:
    """The worst quality becomes 0.75, the best 1.0, and the squared distance to 1.0 is the loss."""
    return np.maximum(0.25 * (0.98 - score) / 0.78, 0) ** 2


@pytest.mark.parametrize(
    ("options", "rescaled"),
    [
        ({"slope": 7.0, "middle": 0.6}, logistic),
        ({"form": "linear", "worst": 0.2, "best": 0.98}, of_the_thesis),
        ({"form": "linear", "worst": 0.0, "best": 1e-3}, np.zeros_like),
    ],
)
def test_serfiq_is_the_metric_rescaled(
    options: dict[str, Any],
    rescaled: Callable[[np.ndarray], np.ndarray],
    case: tuple[Values, Values],
    network: Recognition,
) -> None:
    made, wanted = case
    loss = SerFiq(passes=10, **options, network=network)
    torch.manual_seed(5)
    found = float(loss(made, wanted))
    torch.manual_seed(5)
    with torch.no_grad():
        faces, seen = upright_faces(made["image"], wanted["points"], FINE_SIDE, finer=1)
        embeddings = network.stochastic(faces, 10).numpy()
    scores = np.array([quality(embeddings[:, i]) for i in range(2)])
    expected = np.average(rescaled(scores), weights=seen.numpy())
    assert found == pytest.approx(expected, rel=1e-4)


# --- what they have in common ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OF_PICTURES)
@pytest.mark.parametrize("mixed", [False, True])
def test_value_and_gradient_are_finite(
    name: str, mixed: bool, case: tuple[Values, Values], network: Recognition, trunk: RecognitionTrunk
) -> None:
    made = {key: value.clone().requires_grad_() for key, value in case[0].items()}
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        value = losses(network, trunk)[name](made, case[1])
    assert value.shape == ()
    assert value.dtype == torch.float32
    value.backward()
    gradient = made["image"].grad
    assert gradient is not None
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
    assert all(p.grad is None for p in network.parameters())


@pytest.mark.parametrize("name", sorted(set(OF_PICTURES) - {"psnr", "serfiq", "variance"}))
def test_the_truth_costs_nothing_and_has_a_gradient(
    name: str, case: tuple[Values, Values], network: Recognition, trunk: RecognitionTrunk
) -> None:
    truth = case[1]["truth"]
    made = {"image": truth.clone().requires_grad_(), "correction": torch.zeros_like(truth)}
    value = losses(network, trunk)[name](made, case[1])
    assert float(value.detach()) == pytest.approx(0, abs=2e-3)
    value.backward()
    assert torch.isfinite(made["image"].grad).all()  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("distance", ["l1", "l2"])
@pytest.mark.parametrize("activated", [True, False])
def test_the_content_of_srgan_and_esrgan(case: tuple[Values, Values], distance: str, activated: bool) -> None:
    loss = Vgg19(layer="2_1", activated=activated, distance=distance, network=vgg19())
    with torch.no_grad():
        made, truth = (
            vgg19().tap(x, (2, 1), activated=activated).numpy() for x in (case[0]["image"], case[1]["truth"])
        )
    assert (made.min() < 0) != activated
    expected = np.abs(made - truth).mean() if distance == "l1" else np.square(made - truth).mean()
    assert float(loss(*case)) == pytest.approx(float(expected), rel=1e-4)


def test_the_decibels_of_a_perfect_picture_are_bounded_and_pull_nowhere() -> None:
    made = {"image": torch.rand(2, 3, 8, 8).requires_grad_()}
    value = Psnr(floor=1e-5)(made, {"truth": made["image"].detach()})
    assert float(value.detach()) == pytest.approx(-50, abs=1e-3)
    value.backward()
    assert torch.equal(made["image"].grad, torch.zeros(2, 3, 8, 8))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["identity", "serfiq"])
def test_a_face_without_landmarks_weighs_nothing(
    name: str, case: tuple[Values, Values], network: Recognition, trunk: RecognitionTrunk
) -> None:
    loss = losses(network, trunk)[name]
    made, wanted = case
    points = wanted["points"].clone()
    points[1] = float("nan")

    def value(image: Tensor) -> float:
        torch.manual_seed(0)
        return float(loss({"image": image}, {**wanted, "points": points}))

    other = made["image"].clone()
    other[1] = torch.rand(3, SIDE, SIDE)
    assert value(other) == pytest.approx(value(made["image"]))
    points[0] = float("nan")
    assert value(other) == 0


def test_networks_of_losses_stay_in_eval_mode(network: Recognition, trunk: RecognitionTrunk) -> None:
    total = WeightedSum(losses(network, trunk), dict.fromkeys(LOSSES, 1.0)).train()
    assert not any(m.training for m in total.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize(("name", "key"), [("identity", "points"), ("region_style", "labels"), ("serfiq", "points")])
def test_what_is_missing_is_named(
    name: str, key: str, case: tuple[Values, Values], network: Recognition, trunk: RecognitionTrunk
) -> None:
    with pytest.raises(UsageError, match=f"'{name}' needs '{key}'.*truth"):
        losses(network, trunk)[name](case[0], {"truth": case[1]["truth"]})


def test_broadcasting_hides_nothing(case: tuple[Values, Values]) -> None:
    with pytest.raises(ValueError, match="truth"):
        L1()({"image": case[0]["image"][:1]}, case[1])


# --- the sum -----------------------------------------------------------------------------------------------


def test_the_sum_is_weighted_and_keeps_its_terms(case: tuple[Values, Values]) -> None:
    total = weighted_sum({"l1": 2.0, "mse": {"weight": 0.5}, "charbonnier": {"weight": 1, "epsilon": 0.1}})
    terms = total.terms(*case)
    assert list(terms) == ["l1", "mse", "charbonnier"]
    assert float(total(*case)) == pytest.approx(
        2 * float(L1()(*case)) + 0.5 * float(Mse()(*case)) + float(Charbonnier(epsilon=0.1)(*case))
    )
    assert float(total.total(terms)) == pytest.approx(float(total(*case)))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"charbonier": 1.0}, "no loss 'charbonier'.*did you mean 'charbonnier'"),
        ({"l1": "much"}, "weight of the loss 'l1'"),
        ({"l1": True}, "weight of the loss 'l1'"),
        ({"l1": -1.0}, "weight of the loss 'l1'"),
        ({"l1": float("nan")}, "weight of the loss 'l1'"),
        ({"l1": {}}, "weight of the loss 'l1'"),
        ({"charbonnier": {"weight": 1.0, "epsilom": 0.1}}, "no option 'epsilom'.*did you mean 'epsilon'"),
        ({"l1": {"weight": 1.0, "args": 1}}, "no option 'args'"),
        ({"identity": {"weight": 1.0, "network": None}}, "no option 'network'"),
        ({"perceptual": {"weight": 1.0, "layers": [6]}}, "layers"),
        ({"perceptual": {"weight": 1.0, "trunk": "vgg18"}}, "no trunk 'vgg18'"),
        ({"vgg19": 1.0}, "needs 'weights'"),
        ({"vgg19": {"weight": 1.0, "layer": "5_5"}}, "layer is one of"),
        ({"vgg19": {"weight": 1.0, "distance": "l3"}}, "'l1' or 'l2'"),
        ({"gram": {"weight": 1.0, "trunk": "vgg"}}, "needs 'weights'"),
        ({"variance": {"weight": 1.0, "beta": 2.0}}, "beta"),
    ],
)
def test_a_wrong_recipe_is_refused(recipe: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        weighted_sum(recipe)


# --- the parser's ------------------------------------------------------------------------------------------


@pytest.fixture
def parsed() -> tuple[Values, Values]:
    """Random scores of four classes at three depths, and labels of which some are unknown."""
    torch.manual_seed(2)
    labels = torch.randint(0, 4, (2, 16, 16))
    labels[0, :4] = UNLABELLED
    sizes = {"scores": 16, "context": 4, "deep": 2}
    return {name: 2 * torch.randn(2, 4, n, n) for name, n in sizes.items()}, {"labels": labels}


def entropies(scores: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """``-log p`` of the true class of every known pixel, and that class."""
    step = labels.shape[-1] // scores.shape[-1]
    labels = labels[:, step // 2 :: step, step // 2 :: step]
    values = scores.double().numpy()
    logs = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    known = labels.numpy() != UNLABELLED
    true = np.where(known, labels.numpy(), 0)
    return -np.take_along_axis(logs, true[:, None], axis=1)[:, 0][known], true[known]


def test_parsing_is_the_weighted_entropy_of_hard_pixels_at_every_depth(parsed: tuple[Values, Values]) -> None:
    shares = (0.7, 0.2, 0.09, 0.01)
    weights = 1 / np.log(1.05 + np.array(shares))
    expected = 0.0
    for name, factor in (("scores", 1.0), ("context", 0.4), ("deep", 0.4)):
        entropy, true = entropies(parsed[0][name], parsed[1]["labels"])
        hard = entropy >= -np.log(0.6)
        expected += factor * np.average(entropy[hard], weights=weights[true[hard]])
    loss = Parsing(hard=0.6, auxiliary=0.4, softness=1.05, shares=shares)
    assert float(loss(*parsed)) == pytest.approx(expected, rel=1e-5)


def test_parsing_keeps_the_worst_sixteenth_where_nothing_is_hard(parsed: tuple[Values, Values]) -> None:
    labels = parsed[1]["labels"]
    sure = nn.functional.one_hot(labels.clamp(max=3), 4).movedim(-1, 1).float()
    scores = (8 + 4 * torch.rand(labels.shape))[:, None] * sure
    entropy, _ = entropies(scores, labels)
    worst = np.sort(entropy)[-(-len(entropy) // 16) * -1 :]
    assert float(Parsing(hard=0.5)({"scores": scores}, {"labels": labels})) == pytest.approx(worst.mean(), rel=1e-4)


def test_parsing_teaches_every_depth_and_no_unknown_pixel(parsed: tuple[Values, Values]) -> None:
    made = {name: value.clone().requires_grad_() for name, value in parsed[0].items()}
    Parsing(hard=1.0)(made, parsed[1]).backward()
    assert all(value.grad is not None and value.grad.abs().max() > 0 for value in made.values())
    assert made["scores"].grad is not None
    assert (made["scores"].grad[0, :, :4] == 0).all()
    assert (made["scores"].grad[0, :, 4:] != 0).any()


def test_parsing_of_nothing_known_is_zero() -> None:
    scores = torch.randn(1, 4, 8, 8, requires_grad=True)
    value = Parsing()({"scores": scores}, {"labels": torch.full((1, 8, 8), UNLABELLED)})
    value.backward()
    assert float(value.detach()) == 0 and scores.grad is not None and not scores.grad.any()


@pytest.mark.parametrize("options", [{"hard": 0.0}, {"softness": 1.0}, {"shares": [-0.1, 0.5]}])
def test_parsing_refuses_what_cannot_be(options: dict) -> None:
    with pytest.raises(UsageError, match="do not fit"):
        weighted_sum({"parsing": {"weight": 1.0, **options}})
