"""The explorables, by pointer and by keyboard, in a real browser that reaches nothing but this
machine.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import explore
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from docutils.core import publish_doctree
from docutils.parsers.rst import directives
from docutils.utils import SystemMessage
from playwright.sync_api import Browser, Locator, expect
from waiting import PATIENCE, alone, watch

from nnbook.live import explorables
from nnlib import OneVsRestSVC, StandardScaler, load, load_mnist
from nnlib.simple_svm import pair_step

ROOT = Path(__file__).parents[2]
# the tests of one kind share its page
pytestmark = pytest.mark.xdist_group("explorables")
PLACES = {  # the chapter of each, and what its button says
    "draw": ("explore", "Draw a digit"),
    "smo": ("svm", "Step through SMO"),
    "train": ("autoencoder", "Train an autoencoder"),
    "valley": ("optimizer", "Descend into a valley"),
    "xor": ("xor", "Train on XOR"),
}
FILES = [ROOT / "data" / name for name in explorables.DATA["draw"]]


# ---------------------------------------------------------------- what is computed, outside of the
# browser
@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The same computation, of nnlib alone: the first 100 test digits, what they are, and what the
    machine says.
    """
    X, y = (part[60_000:] for part in load_mnist(ROOT / "data" / "mnist"))
    autoencoder = load(FILES[0]).network
    Z = autoencoder.encode(X)
    scaler = StandardScaler().fit(Z[explore.FITTED])
    machine = OneVsRestSVC(C=10).fit(scaler.transform(Z[explore.FITTED]), y[explore.FITTED])
    return SimpleNamespace(
        X=X[:100],
        y=y[:100],
        Z=Z[:100],
        decoded=autoencoder.decode(Z[:100]),
        scores=machine.decision_function(scaler.transform(Z[:100])),
    )


def test_digits_of_mnist_are_centered_already(digits: SimpleNamespace) -> None:
    """At any size, and wherever they stand: what comes out is the digit itself."""
    for x in digits.X[:20]:
        image = np.zeros((120, 120), np.float32)
        image[5:117, 2:114] = np.kron(x.reshape(28, 28), np.ones((4, 4)))
        assert np.allclose(explore.centered(image)[0], x, atol=1e-6)
        assert np.allclose(explore.centered(x.reshape(28, 28))[0], x, atol=1e-6)


def test_drawings_are_scaled_into_the_box_and_an_empty_one_stays_empty() -> None:
    ink = np.zeros((112, 112))
    assert not explore.centered(ink).any()
    ink[3, 7] = 1  # a dot fills the box
    assert explore.centered(ink).sum() == 400
    ink[3:103, 7] = 1  # a line of 100 by 1 keeps a width of one pixel
    image = explore.centered(ink).reshape(28, 28)
    assert np.flatnonzero(image.any(1)).tolist() == list(range(4, 24)) and np.flatnonzero(
        image.any(0)
    ).tolist() == [14]


@pytest.mark.parametrize("kernel", ["linear", "rbf", "poly"])
def test_steps_of_smo_are_those_of_the_chapters(kernel: str) -> None:
    """Each is the step that `pair_step` makes with the same pair; the dual never falls; the end is
    the optimum.
    """
    rng = np.random.default_rng(0)
    points, labels = rng.uniform(-1, 1, (12, 2)), np.repeat([-1, 1], 6)
    state = explore.smo_start(points.tolist(), labels.tolist(), 2.0, kernel)
    clipped = 0
    while not state["solved"]:
        s, before = explore.STATE["smo"], state
        F, b = s["K"] @ s["b"] - s["y"], s["b"]
        state = explore.smo_step()
        i, j = state["raised"], state["lowered"]
        assert state["moved"] == pytest.approx(pair_step(s["K"], F, s["box"], b, i, j), rel=1e-6)
        assert state["wanted"] == pytest.approx(
            pair_step(s["K"], F, np.array([[-np.inf], [np.inf]]) + 0 * b, b, i, j), rel=1e-6
        )
        assert (
            state["moved"] <= state["wanted"] * (1 + 1e-9)
            and state["dual"] >= before["dual"] - 1e-12
        )
        clipped += state["moved"] < 0.999 * state["wanted"]
        assert state["steps"] < 1000
    assert clipped and state["gap"] <= explore.TOL and 0 <= state["primal"] - state["dual"] < 0.05
    assert explore.smo_step()["steps"] == state["steps"]
    with pytest.raises(ValueError, match="a point of each class"):
        explore.smo_start([[0, 0]], [1], 1.0, kernel)


def test_directive_refuses_what_there_is_not() -> None:
    directives.register_directive("explorable", explorables.Explorable)
    place = publish_doctree(".. explorable:: smo fig-svm-steps").astext()
    assert 'data-kind="smo" data-figure="fig-svm-steps"' in place
    with pytest.raises(
        SystemMessage, match="expected one of draw, smo, train, valley, xor, got play"
    ):
        publish_doctree(
            ".. explorable:: play fig-play",
            settings_overrides={"halt_level": 3, "report_level": 5},
        )


# ---------------------------------------------------------------- in the browser
@pytest.fixture(scope="module")
def address(html: Path, isolated: str) -> str:
    if not (html / "_static" / "pyodide").exists():
        pytest.fail(
            "Pyodide is not in this build: `make book` with a network, or with NNLIB_PYODIDE"
        )
    return isolated


@pytest.fixture(scope="module")
def part(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Locator]:
    """An explorable, started in its chapter; nothing of Python is asked for before, nothing fails,
    nothing is foreign.
    """
    chapter, name = PLACES[request.param]
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    problems = watch(page, address)
    answers: list[tuple[str, int]] = []
    page.on(
        "response",
        lambda answer: answers.append((answer.url, int(answer.headers.get("content-length", 0)))),
    )
    page.goto(f"{address}/nbs/{chapter}.html", wait_until="networkidle")
    place = page.locator(".nnbook-explorable")
    figure = page.locator(f"#{place.get_attribute('data-figure')}")
    expect(figure).to_be_visible()
    assert not [
        url
        for url, _ in answers
        if "pyodide" in url or "kernel" in url or "/data/" in url or url.endswith(".py")
    ]
    assert 100_000 < sum(size for _, size in answers) < 1_000_000
    start = page.get_by_role("button", name=name)
    expect(place).to_contain_text(re.compile(r"Loads \d+ MB"))
    start.focus()
    page.keyboard.press("Enter")
    found = page.get_by_role("region", name=name)
    expect(found).to_be_visible()
    expect(figure).to_be_hidden()
    assert not [url for url, _ in answers if "matplotlib" in url and url.endswith(".whl")]
    found.scroll_into_view_if_needed()
    yield found
    assert problems == []
    context.close()


def of(*kinds: str) -> pytest.MarkDecorator:
    """Tests of these kinds; those of one kind run after each other, on one page."""
    return pytest.mark.parametrize("part", kinds, indirect=True, scope="module")


def status(part: Locator, text: str | re.Pattern[str]) -> None:
    expect(part.get_by_role("status")).to_have_text(text)


def scores(part: Locator) -> list[float]:
    return [float(text) for text in part.locator("tbody tr > :nth-child(2)").all_inner_texts()]


def pixels(canvas: Locator) -> np.ndarray:
    """How much ink there is in each pixel, from 0 to 255."""
    data = canvas.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
        ".filter((_, i) => i % 4 == 0)"
    )
    return 255 - np.array(data)


PIPELINE = """async ([site, side, n]) => {
  const { Kernel } = await import(`${site}/_static/live/kernel.js`);
  const path = "/lib/python3.12/site-packages/explore.py";
  const kernel = new Kernel({ files: [{ url: `${site}/_static/explore/explore.py`, path }] });
  await kernel.start();
  await kernel.run("from explore import *", "test", () => {});
  const read = async (file) => {
    const answer = await fetch(`${site}/_static/data/${file}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  const files = ["runs/autoencoder.npz", "mnist/t10k-images-idx3-ubyte.gz",
                 "mnist/t10k-labels-idx1-ubyte.gz"];
  await kernel.call("attempt", "draw_start", ...(await Promise.all(files.map(read))));
  const answers = [];
  for (let k = 0; k < n; k++) {
    const digit = new Uint8Array(await kernel.call("draw_digit", k));
    answers.push(await kernel.call("draw_image", digit, side));
  }
  kernel.close();
  return answers;
}"""


@of("draw")
def test_hundred_digits_come_out_as_outside_of_the_browser(
    part: Locator, address: str, digits: SimpleNamespace
) -> None:
    """Latents, pixels and scores, so the same accuracy."""
    answers = part.page.evaluate(PIPELINE, [address, 28, 100])
    image, latents, decoded, found = (
        np.array([answer[key] for answer in answers])
        for key in ("image", "latents", "decoded", "scores")
    )
    assert np.allclose(image, digits.X, atol=1e-6)
    assert np.allclose(latents, digits.Z, atol=1e-3) and np.allclose(
        decoded, digits.decoded, atol=1e-3
    )
    # two runs of a solver that stops at a gap of 0.001
    assert np.abs(found - digits.scores).max() < 0.02
    guesses = np.array([answer["digit"] for answer in answers])
    accuracy = (digits.scores.argmax(1) == digits.y).mean()
    assert (guesses == digits.y).mean() == accuracy and accuracy >= 0.9


@of("draw")
def test_digit_is_taken_drawn_and_changed(part: Locator, digits: SimpleNamespace) -> None:
    """A test digit by a button, a one by the mouse, another by keys; a latent by its slider."""
    page = part.page
    seen, decoded = (
        part.get_by_role("img", name=name) for name in ("The drawing as", "The decoded")
    )
    part.get_by_role("button", name="Test digit 3, a 1").click()
    status(part, re.compile("says 1,"))
    assert np.allclose(pixels(seen), digits.X[2] * 255, atol=1) and np.allclose(
        pixels(decoded), digits.decoded[2] * 255, atol=1.5
    )
    assert np.allclose(scores(part), digits.scores[2], atol=0.02)

    slider = part.get_by_label("Latent 9", exact=True)
    value, before = float(slider.input_value()), pixels(decoded)
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) > value + 1
    page.wait_for_timeout(500)
    assert np.abs(pixels(decoded) - before).max() > 20
    part.get_by_role("button", name="Back to the encoded").click()
    page.wait_for_timeout(500)
    assert float(slider.input_value()) == pytest.approx(value) and np.array_equal(
        pixels(decoded), before
    )

    part.get_by_role("button", name="Clear").click()
    paper = part.get_by_role("application")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.15 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.85 * box["height"], steps=10)
    page.mouse.up()
    status(part, re.compile("says 1,"))

    paper.focus()
    # an answer that comes late finds the paper empty
    for key in ("Space", "ArrowDown", "ArrowDown", "Delete"):
        page.keyboard.press(key)
    status(part, re.compile("The paper is empty"))
    page.wait_for_timeout(500)
    status(part, re.compile("The paper is empty"))
    assert scores(part) == []
    slider.press("ArrowRight")
    status(part, re.compile("nothing to decode"))
    paper.focus()
    page.keyboard.press("Space")
    for key, times in (("ArrowDown", 18), ("ArrowRight", 10), ("ArrowUp", 18), ("ArrowLeft", 10)):
        for _ in range(times):
            page.keyboard.press(key)
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    ring = pixels(seen).reshape(28, 28)
    assert ring[14, 14] == 0 and all(
        side.max() > 100 for side in (ring[14, :14], ring[14, 15:], ring[:14, 14], ring[15:, 14])
    )


def train(part: Locator) -> None:
    part.get_by_role("button", name="Train 5000 epochs").click()
    status(part, re.compile("^Epoch 5000"))


def outputs(part: Locator) -> list[float]:
    return [float(text) for text in part.locator("tbody tr > :nth-child(3)").all_inner_texts()]


@of("xor")
def test_xor_is_learned_and_the_traps_are_met(part: Locator) -> None:
    part.get_by_role("button", name="The report's").click()
    status(part, "Epoch 0: loss 0.2695, 2 of 4 right.")
    train(part)
    status(part, re.compile("loss 0.0003, 4 of 4 right.$"))
    for button, units, activation in (
        ("Four ReLU units", 4, "ReLU"),
        ("Two tanh units", 2, "tanh"),
    ):
        part.get_by_role("button", name=button).click()
        status(part, re.compile("^Epoch 0:"))
        train(part)
        explore.xor_start(units, activation, 42, 0.5)
        state = explore.xor_train(5000, 10)
        assert np.allclose(outputs(part), state["outputs"], atol=2e-4) and state["loss"] > 0.12
        status(
            part,
            re.compile(
                rf"loss {state['loss']:.4f}, . of 4 right. "
                r"To the hidden units these look alike: \("
            ),
        )


@of("xor")
def test_xor_settings_by_keyboard_and_pause(part: Locator) -> None:
    part.get_by_label("Activation").select_option("tanh")
    part.get_by_role("spinbutton", name="Hidden units").fill("4")
    rate = part.get_by_label("Learning rate")
    rate.fill("-1")
    rate.press("Tab")
    status(part, "Not possible: for the learning rate a number from 0.001 to 100 is needed")
    rate.fill("2")
    rate.press("Tab")
    status(part, re.compile("^Epoch 0: loss 0.2695"))
    part.get_by_role("button", name="Train 5000 epochs").press("Enter")
    part.get_by_role("button", name="Pause").press("Enter")
    status(part, re.compile(r"^Epoch \d+:"))
    epochs = int(re.search(r"\d+", part.get_by_role("status").inner_text())[0])
    assert 0 < epochs < 5000


@of("smo")
def test_smo_is_stepped_through_to_the_optimum(part: Locator) -> None:
    part.get_by_role("button", name="One astray").click()
    status(part, re.compile("^8 points"))
    part.get_by_role("button", name="Step", exact=True).press("Enter")
    status(
        part,
        re.compile(
            r"^Step 1: points \d and \d move by .* The dual objective is .*, the KKT violation"
        ),
    )
    part.get_by_role("button", name="Run to the end").press("Enter")
    status(part, re.compile("Solved.$"))
    points = [
        [-0.61, -0.52],
        [-0.27, -0.74],
        [-0.68, 0.05],
        [0.36, 0.41],
        [0.47, 0.62],
        [0.19, 0.51],
        [0.73, 0.08],
        [0.06, 0.83],
    ]
    state, steps = explore.smo_start(points, [-1] * 4 + [1] * 4, 1.0, "linear"), []
    while not state["solved"]:
        state = explore.smo_step()
        clipped = " (clipped)" if state["moved"] < state["wanted"] * (1 - 1e-9) else ""
        steps.insert(
            0,
            f"{state['steps']} {state['raised'] + 1} up, {state['lowered'] + 1} down "
            f"{state['wanted']:.4f} "
            f"{state['moved']:.4f}{clipped} {state['dual']:.4f} {state['gap']:.4f}",
        )
    shown = part.get_by_role("region", name="Steps so far").locator("tbody tr").all_inner_texts()
    assert [" ".join(row.split()) for row in shown] == steps
    assert part.get_by_role("button", name="Step", exact=True).is_disabled()


@of("smo")
def test_smo_points_are_placed_by_pointer_and_by_keys(part: Locator) -> None:
    page = part.page
    part.get_by_role("button", name="None").click()
    status(part, "SMO needs a point of each class")
    plane = part.get_by_role("application")
    box = plane.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    points = part.get_by_role("list").get_by_role("listitem")
    expect(points).to_have_text([re.compile(r"1: \+ \(0\.50, 0\.50\)")])
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"], button="right")
    plane.dispatch_event("pointerdown")  # also how a finger begins to scroll
    page.wait_for_timeout(300)
    expect(points).to_have_count(1)
    part.get_by_label("New points are").select_option("square, −1")
    plane.focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    status(part, re.compile("^2 points"))
    expect(points.nth(1)).to_contain_text("2: − (-0.30, 0.00)")
    part.get_by_role("button", name="Step", exact=True).click()
    # a pair is solved in one step
    status(part, re.compile(r"^Step 1: points 1 and 2 move by .* Solved\.$"))
    plane.focus()
    page.keyboard.press("Delete")
    status(part, "SMO needs a point of each class")
    points.get_by_role("button").first.press("Enter")
    expect(points).to_have_count(0)


@of("valley")
def test_valley_says_whether_a_rate_arrives_or_diverges(part: Locator) -> None:
    """By buttons and by the slider, with the path of nnlib; beyond 2 / 10 it diverges."""
    page = part.page
    rate = part.get_by_label("Learning rate")
    part.get_by_role("button", name="Good").click()
    status(part, re.compile(r"^Rate 0\.17, momentum 0: It arrives: from step \d+"))
    part.get_by_role("button", name="Too large").click()
    status(part, re.compile(r"^Rate 0\.205, momentum 0: It diverges: after \d+ steps"))
    path = part.locator("path.descent")
    expected = explore.valley_path(0.205, 0)["path"]
    assert path.get_attribute("d").count("L") == len(expected) - 1
    rate.press("ArrowLeft")
    status(part, "Rate 0.2, momentum 0: After 500 steps it is still 1.00 from the minimum.")
    rate.press("ArrowLeft")
    status(part, re.compile(r"^Rate 0\.195, momentum 0: It arrives"))
    part.get_by_role("button", name="Small, with momentum").click()
    status(part, re.compile(r"^Rate 0\.02, momentum 0\.8: It arrives"))
    found = [float(part) for part in re.findall(r"[-\d.]+", path.get_attribute("d"))]
    expected = np.array(explore.valley_path(0.02, 0.8)["path"])
    assert np.allclose(np.reshape(found, (-1, 2)), [50, 30] + expected * [10, -10], atol=0.051)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 1200


AT_ONCE = """button => {
  button.click();
  return button.closest(".nnbook-explorable").querySelector("[role=status]").textContent;
}"""


@of("train")
def test_autoencoder_learns_until_it_is_stopped(part: Locator, tmp_path: Path) -> None:
    """Its error on digits that are held out falls below 0.03, and it draws them anew."""
    explore.train_data(FILES[1].read_bytes(), str(tmp_path))
    part.get_by_role("button", name="Start over").click()
    status(part, f"Epoch 0.0: validation error {explore.train_start()['error']:.4f}.")
    drawn, train = part.locator("canvas").nth(8), part.get_by_role("button", name="Train 10")
    before = pixels(drawn)
    assert train.evaluate(AT_ONCE) == "Running ..."
    status(part, re.compile(r"^Epoch \d\.0: validation error 0\.0[12]"))
    part.get_by_role("button", name="Stop").click()
    expect(train).to_be_visible()
    text = part.get_by_role("status").inner_text()
    part.page.wait_for_timeout(1000)
    status(part, text)
    assert np.abs(pixels(drawn) - before).max() > 100
    parts = part.locator("path.one").get_attribute("d").count("L")
    assert abs(parts / 8 - float(re.search(r"[\d.]+", text)[0])) < 0.051


@of(*PLACES)
def test_what_has_been_started_is_accessible_and_fits(part: Locator) -> None:
    """In both themes; in a wide window, on a tablet, and on a phone; it also fits at 200 %."""
    found, page = [], part.page
    page.set_viewport_size({"width": 640, "height": 900})
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 640
    for width in 1200, 768, 390:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    options = {"resultTypes": ["violations"], "preload": False}
    with alone(page, ".nnbook-explorable"):
        for theme, width in itertools.product(("light", "dark"), (1200, 768, 390)):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            page.wait_for_timeout(300)
            for problem in Axe().run(page, ".nnbook-explorable", options).response["violations"]:
                if problem["impact"] in ("serious", "critical"):
                    found += [
                        (theme, width, problem["id"], node["html"][:120])
                        for node in problem["nodes"]
                    ]
    page.set_viewport_size({"width": 1200, "height": 900})
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert found == []


def test_without_scripts_the_pictures_stand_there(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for chapter, _ in PLACES.values():
        page.goto(f"{address}/nbs/{chapter}.html")
        place = page.locator(".nnbook-explorable")
        figure = page.locator(f"figure#{place.get_attribute('data-figure')}")
        expect(place).to_be_hidden()
        expect(figure.locator("img")).to_be_visible()
        expect(figure.locator("figcaption")).to_be_visible()
    context.close()
