"""Probes on reasoners whose knowledge is known, on made-up activations, and on real weights."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import cotlens as cl
from cotlens import organisms
from cotlens._core.errors import CapabilityError, CotLensError
from cotlens.measure.probes import fitting
from cotlens.measure.probes.calibrating import calibrated, calibration_error
from cotlens.measure.probes.example import covariates
from cotlens.measure.probes.fitting import Task
from cotlens.models.contract import Capability
from cotlens.results import load_result
from tests import pretrained

# A puzzle number stands for the answer, so that who knows it before the thought can be told from who doesn't.
EXTRAS = organisms.Extras(code=1, right=1, hint=0, trigger=0)


@pytest.fixture(scope="module")
def problems():
    found = organisms.problems(360, seed=77, fork=False, extras=EXTRAS)
    return {problem.prompt: problem for problem in found}


@pytest.fixture(scope="module")
def posthoc():
    return cl.load("abacus-posthoc")


def ones(problems):
    return lambda trace, at: int(problems[trace.prompt].answers[0]) % 10


def composed(model, problems):
    return [model.compose(prompt, "So", None) for prompt in problems]


def written(model, problems):
    return [
        model.compose(prompt, " ".join(f"That makes {total}." for total in one.totals()[1:]), f"{one.answers[0]}")
        for prompt, one in problems.items()
    ]


@pytest.fixture(scope="module")
def given(posthoc, problems):
    start = lambda trace, at: (f"{problems[trace.prompt].start // 10}", float(len(problems[trace.prompt].steps)))  # noqa: E731
    return cl.probes.examples(composed(posthoc, problems), ones(problems), nuisance=start)


@pytest.fixture(scope="module")
def found(posthoc, given):
    return cl.probes.Probe(layers=(1, 3), folds=4).run(given, posthoc)


def test_who_knows_before_the_thought_is_told_from_who_does_not(found, problems):
    last = {name: column[1] for name, column in found.columns.items()}
    assert last["low"] > 0.15 and last["gain_low"] > 0.05 and last["estimate"] > last["shuffled"] + 0.1
    abacus = cl.load("abacus")
    same = cl.probes.examples(composed(abacus, list(problems)[:200]), ones(problems))
    other = cl.probes.Probe(layers=(3,), folds=4).run(same, abacus)
    assert other.columns["gain_low"][0] < 0.03 and other.columns["estimate"][0] < 0.2


def test_every_baseline_stands_beside_the_accuracy(found, tmp_path):
    for name in ("majority", "shuffled", "nuisance", "gain"):
        assert np.isfinite(found.columns[name]).all()
    assert np.isnan(found.columns["token_control"]).all()  # one token stands before every thought
    assert found.columns["control_status"][0].startswith("not measured: the same token")
    found.save(tmp_path / "probe.json")
    assert load_result(tmp_path / "probe.json").columns["gain"][1] == found.columns["gain"][1]
    assert found.chart().to_dict()["layer"]


def test_each_trace_is_read_once_for_all_layers(posthoc, given):
    few = list(given[:20])
    twice = few + [cl.probes.Example(one.trace, one.at - 1, one.label) for one in few]
    same = [cl.probes.Example(one.trace, one.at, one.label) for one in twice]
    before = posthoc.meter.snapshot()
    cl.probes.Probe(folds=2).run(same, posthoc)
    assert posthoc.meter.since(before).forwards == 20


def made_up(label_of, x_of, groups=60, each=4, seed=0):
    """A task on made-up activations: one row of labels and features per problem, some examples of each."""
    rng = np.random.default_rng(seed)
    per = np.array([label_of(rng) for _ in range(groups)])
    group = np.repeat(np.arange(groups), each)
    x = np.stack([x_of(rng, label) for label in per])[group] + 0.01 * rng.standard_normal((len(group), 20))
    tokens = rng.integers(0, 3, len(group))
    return x, Task(per[group], tokens, group, fitting.folds_of(group, 5, seed), "class", "ridge", seed)


def test_a_problem_is_never_on_both_sides_of_a_split():
    # Each problem has features and a label of its own, which have nothing to do with each other.
    x, task = made_up(lambda rng: int(rng.integers(2)), lambda rng, label: rng.standard_normal(20), groups=20)
    leaking = Task(task.labels, task.tokens, task.groups, np.arange(len(x)) % 5, "class", "ridge", 0)
    assert leaking.right(x).mean() > 0.9 > 0.75 > task.right(x).mean()


def test_intervals_are_over_problems_and_the_baselines_are_what_they_say():
    x, task = made_up(lambda rng: int(rng.random() < 0.7), lambda rng, label: label + rng.standard_normal(20))
    right = task.right(x)
    low, high = fitting.over_problems(right, task.groups, 0)
    share = np.bincount(task.groups, right) / 4
    assert high - low == pytest.approx(2 * 1.96 * share.std() / 60**0.5, rel=0.25)
    assert task.majority().mean() == pytest.approx(max(task.labels.mean(), 1 - task.labels.mean()), abs=1e-9)
    assert abs(task.shuffled(x).mean() - task.majority().mean()) < 0.25 and right.mean() > 0.9


def test_what_the_nuisance_tells_is_no_gain(given):
    # The label hangs on the start value, which the activations hold: shuffled labels alone would make a finding of it.
    rng = np.random.default_rng(3)
    start, mixed = rng.integers(0, 10, 300), rng.standard_normal((10, 20))
    label = np.where(rng.random(300) < 0.9, start > 4, rng.random(300) < 0.5).astype(int)
    groups = np.arange(300)
    task = Task(label, groups % 2, groups, fitting.folds_of(groups, 5, 0), "class", "ridge", 0)
    own, known = task.right(mixed[start] + 0.1 * rng.standard_normal((300, 20))), task.right(np.eye(10)[start])
    assert own.mean() > task.shuffled(mixed[start]).mean() + 0.2
    low, high = fitting.over_problems(own - known, groups, 0)
    assert low <= 0 <= high + 1e-9
    table = covariates(given[:40])
    tens = len({one.nuisance[0] for one in given[:40]})
    assert table.shape == (40, 3 + tens) and (table[:, 2:-1].sum(1) == 1).all()  # a text is a category of its own


def test_numbers_are_predicted_too(posthoc, given, problems):
    steps = cl.probes.examples([one.trace for one in given[:150]], lambda trace, at: len(problems[trace.prompt].steps))
    row = cl.probes.Probe(layers=(1,), labels="number", folds=3).run(steps, posthoc).columns
    assert row["estimate"][0] > 0.3 > 0.05 > row["shuffled"][0] and abs(row["majority"][0]) < 0.05


@pytest.fixture(scope="module")
def probe(posthoc, given):
    return cl.probes.fit(given[:160], posthoc, layer=3)


def test_a_probe_is_saved_read_again_and_calibrated(posthoc, given, probe, tmp_path):
    probe.save(tmp_path / "ones.json")
    again = cl.probes.load_probe(tmp_path / "ones.json")
    assert again.fingerprint == probe.fingerprint and again.provenance.weights == posthoc.weights
    shares = again.read(given[0].trace, posthoc, positions=[given[0].at])
    assert shares.shape == (1, 10) and shares.sum() == pytest.approx(1)
    # What scikit-learn says of the standardised features is what the plain weights say of the activations.
    x = posthoc.read(given[0].trace, "resid_post.3", positions=[given[0].at])["resid_post.3"]
    np.testing.assert_allclose(probe.probabilities(x), shares, rtol=1e-6)


def test_probabilities_are_as_sure_as_they_are_right():
    x, task = made_up(
        lambda rng: int(rng.integers(3)), lambda rng, label: 3 * np.eye(20)[label] + rng.standard_normal(20)
    )
    shares = calibrated(x, task.labels, task.groups, task.fold, "ridge", 0)
    assert calibration_error(shares, task.labels) < 0.2
    np.testing.assert_allclose(shares.sum(1), 1)


def test_a_probe_steers_as_a_vector(posthoc, given, probe):
    vector = probe.vector(7)
    assert vector.layer == 3 and vector.unit > 0 and vector.provenance.settings["label"] == "7"
    vector.check(posthoc)
    one = given[0]
    pushed = posthoc.read(one.trace, "resid_post.3", positions=[one.at], interventions=vector.at(4.0, unit="raw"))
    shares = probe.probabilities(pushed["resid_post.3"])
    assert shares[0].argmax() == probe.classes.index(7)
    panel = cl.SteeringPanel(posthoc, one.trace, [vector])
    assert panel is not None
    panel.close()


def test_onset_is_before_the_thought_where_it_is_known_there(posthoc, problems):
    some = dict(list(problems.items())[:60])
    traces = written(posthoc, some)
    result = cl.probes.Onset(layer=3, threshold=0.3, folds=3).run(traces, posthoc, ones(some))
    first = np.array([trace.roles["thought"].start for trace in traces])
    assert (result.columns["start"][np.unique(result.columns["trace"], return_index=True)[1]] == first).all()
    assert (result.extras["forced_onset"] == first).mean() > 0.5  # it would say the answer before any thought
    assert set(result.extras["by_length"]) <= {"short", "long"}
    assert result.extras["onset"].shape == (60,) and result.extras["calibration_error"] < 0.35
    assert result.chart().to_dict()["layer"]


def test_contrast_tells_answers_without_labels_or_says_why_not(posthoc, problems):
    some = dict(list(problems.items())[:30])
    traces = written(posthoc, some)

    def answers(trace):
        right = int(some[trace.prompt].answers[0])
        return str(right), str((right + 13) % 90 + 5)

    result = cl.probes.Contrast(layers=(2, 3)).run(traces, posthoc, answers)
    for row in range(2):
        unidentified = result.columns["status"][row].startswith("unidentified: a random word is told at")
        assert np.isnan(result.columns["estimate"][row]) == unidentified
        assert np.isfinite(result.columns["accuracy"][row])
    again = cl.probes.Contrast(layers=(2, 3)).run(traces, posthoc, answers)
    np.testing.assert_array_equal(again.columns["accuracy"], result.columns["accuracy"])
    assert result.chart().to_dict()["layer"]


def planted(weight, seed=0):
    """Pairs whose halves differ by the truth, and with a word behind them by the word `weight` times as much."""
    rng, n = np.random.default_rng(seed), 120
    truth, word = rng.integers(0, 2, n), rng.integers(0, 2, n)
    sides = np.array([1, -1])[:, None, None] * (2 * truth - 1)[None, :, None] * np.eye(12)[0]
    worded = sides + weight * np.array([1, -1])[:, None, None] * (2 * word - 1)[None, :, None] * np.eye(12)[1]
    halves = np.concatenate([sides, worded]) + 0.3 * rng.standard_normal((4, n, 12))
    groups = np.arange(n)
    return halves, word, Task(truth, word, groups, fitting.folds_of(groups, 5, seed), "class", "ridge", seed)


def test_a_contrast_that_finds_a_random_word_instead_is_unidentified():
    told = cl.probes.Contrast()._row(0, *planted(0.2))
    assert told["status"] == "ok" and told["estimate"] > 0.95 and told["low"] <= told["estimate"] <= told["high"]
    lost = cl.probes.Contrast()._row(0, *planted(3.0))
    assert np.isnan(lost["estimate"]) and lost["status"].startswith("unidentified") and lost["word"] > 0.8
    assert lost["accuracy"] > 0.95 and lost["supervised"] > 0.95


def test_real_weights_are_read_at_every_layer():
    model = pretrained.model()
    topics = {"animal": ["dog", "horse", "cat", "whale", "sheep", "lion"],
              "city": ["Paris", "London", "Rome", "Tokyo", "Berlin", "Madrid"]}  # fmt: skip
    given = [
        cl.probes.Example(trace, len(trace.token_ids) - 1, topic)
        for topic, words in topics.items()
        for word in words
        for trace in [model.compose(f"Tell me about the {word}.", f"The {word} is well known to many people", None)]
    ]
    result = cl.probes.Probe(layers=(0, 15, 29), folds=2).run(given, model)
    assert (result.columns["estimate"] > 0.9).any()
    assert np.isfinite(result.columns["gain"]).all()


def example(given, **other):
    one = given[0]
    return cl.probes.Example(**{"trace": one.trace, "at": one.at, "label": 1, **other})


WRONG = [
    (lambda g, m: cl.probes.Probe().run([example(g)] * 9, m), "two or more different labels"),
    (lambda g, m: cl.probes.Probe().run([], m), "there are no examples"),
    (lambda g, m: cl.probes.Probe().run([example(g, label=i) for i in (1, 2, 3)], m), "1 problems can't be split into"),
    (lambda g, m: cl.probes.Probe(folds=2).run([*g[:3], *g[3:9]], m), "different labels in 9 examples"),
    (lambda g, m: cl.probes.Probe(layers=(9,)).run(g, m), "no layer 9"),
    (lambda g, m: cl.probes.Probe(site="heads"), "site='heads'"),
    (lambda g, m: cl.probes.Probe(folds=1), "folds=1"),
    (lambda g, m: example(g, label=None), "says nothing"),
    (lambda g, m: example(g, label=float("nan")), "says nothing"),
    (lambda g, m: example(g, label=[1]), "label=\\[1\\]"),
    (lambda g, m: example(g, at=10**6), "at=1000000"),
    (lambda g, m: cl.probes.examples(g[0].trace, lambda t, i: 1, at="sentense"), "did you mean|Did you mean"),
    (lambda g, m: cl.probes.Probe().run([*g[:6], example(g, nuisance=(1.0,))], m), "differ in number or kind"),
    (
        lambda g, m: cl.probes.Probe(labels="number").run([example(g, label="x", nuisance=g[0].nuisance), *g[:9]], m),
        "label='x'",
    ),
    (lambda g, m: cl.probes.fit(g, m, layer=3).vector(42), "no class 42"),
    (lambda g, m: cl.probes.fit(g, m, layer=3).read(g[0].trace, cl.load("abacus")), "made with 'abacus-posthoc'"),
    (lambda g, m: cl.probes.fit(g, m, layer=3, site="mlp_out").vector(1), "reads mlp_out"),
    (lambda g, m: cl.probes.fit(None, m, layer=3), "None was given"),
    (lambda g, m: cl.probes.fit(g[0], m, layer=3), "two or more different labels"),
    (lambda g, m: example(g, nuisance=None), "nuisance=None"),
    (lambda g, m: example(g, nuisance="long"), "nuisance='long'"),
    (lambda g, m: example(g, nuisance=5), "nuisance=5"),
    (lambda g, m: cl.probes.examples(g[0].trace, lambda t, i: 1, problem="x"), "problem= is a function"),
    (lambda g, m: cl.probes.examples(g[0].trace, lambda t, i: 1, nuisance=(1.0,)), "nuisance= is a function"),
    (lambda g, m: cl.probes.examples(g[0].trace, lambda t, i: 1, nuisance=lambda t, i: 5), "nuisance=5"),
    (lambda g, m: cl.probes.examples(g[0].trace, lambda t, i: 1, at=lambda t: None), "at=None"),
    (lambda g, m: cl.probes.examples(g[0].trace, lambda t, i: 1, at=lambda t: 3), "at=3"),
    (lambda g, m: cl.probes.examples(m.compose("a", "", "b"), lambda t, i: 1, at="thought"), "thought of a trace is"),
    (lambda g, m: fitted(weights="a"), "weights='a'"),
    (lambda g, m: fitted(classes=None), "classes=None"),
    (lambda g, m: cl.probes.Onset(layer=1).run(g[0].trace, m, lambda t, i: 1), "two or more different labels"),
    (lambda g, m: cl.probes.Onset(layer=1).run("x", m, lambda t, i: 1), "reads a trace"),
    (lambda g, m: cl.probes.Contrast(layers=()), "no layer"),
    (lambda g, m: cl.probes.Contrast().run(5, m, lambda t: ("1", "2")), "reads a trace"),
    (lambda g, m: cl.probes.Reading(probe="x"), "fitted probe"),
    (lambda g, m: cl.probes.Reading(probe=fitted(), unit="word"), "unit='word'"),
    (lambda g, m: cl.probes.Reading(probe=fitted()).run(m.compose("a", "", "b"), m), "no thought"),
]


def fitted(**given):
    parts = {"weights": np.eye(2, 128), "bias": np.zeros(2), "lengths": np.ones(2)}
    return cl.probes.FittedProbe(
        **{"layer": 1, "site": "resid_post", "classes": (0, 1), "temperature": 1.0, **parts, **given}
    )


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_bad_input_is_one_sentence(posthoc, given, call, said):
    with pytest.raises(CotLensError, match=said) as caught:
        call(given[:60], posthoc)
    assert len(str(caught.value)) < 400


def test_traces_of_two_models_are_refused(posthoc, given):
    other = cl.load("abacus").compose(given[0].trace.prompt, "So", None)
    with pytest.raises(CotLensError, match="different models"):
        cl.probes.Probe(folds=2).run([*given[:9], cl.probes.Example(other, 3, 1, nuisance=given[0].nuisance)], posthoc)


def test_a_model_that_cannot_be_read_is_refused(given):
    blind = SimpleNamespace(capabilities=Capability.GENERATE, backend="vllm", name="served")
    with pytest.raises(CapabilityError, match="READ"):
        cl.probes.Probe().run(given, blind)


def test_a_damaged_file_is_refused(probe, tmp_path):
    path = tmp_path / "probe.json"
    probe.save(path)
    saved = path.read_text()
    path.write_text(saved.replace('"site": "resid_post"', '"site": "elsewhere"'))
    with pytest.raises(CotLensError, match="checksum"):
        cl.probes.load_probe(path)
    changed = json.loads(path.read_text())
    del changed["checksum"]
    path.write_text(json.dumps(changed))
    with pytest.raises(CotLensError, match="site"):
        cl.probes.load_probe(path)


def test_a_text_that_was_given_and_one_that_was_written_are_of_one_model(posthoc, given):
    from cotlens.measure.method import check_one_model

    composed = given[0].trace
    written = posthoc.reason(composed.prompt, temperature=0, max_new_tokens=2)
    assert composed.meta.get("revision") != written.meta.get("revision")
    check_one_model([composed, written])
