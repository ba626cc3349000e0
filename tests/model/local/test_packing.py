"""The plan of packed passes: every branch finds its own tokens, in the right order, at the right positions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cotlens.models.contract import Branch, TokenSet
from cotlens.models.local.scoring import packed, trie

TRUNK = list(range(100, 112))
SETS = [TokenSet.of(np.arange(3) == one) for one in range(2)]


@st.composite
def branches(draw):
    prefix = draw(st.integers(1, len(TRUNK)))
    tokens = draw(st.lists(st.integers(0, 2), max_size=5))
    hidden = draw(st.lists(st.integers(0, len(TRUNK) - 1), max_size=4, unique=True))
    if set(range(prefix)) <= set(hidden):
        hidden = []
    first = draw(st.integers(0, len(tokens)))
    sets = draw(st.lists(st.tuples(st.integers(first, len(tokens)), st.sampled_from(SETS)), max_size=3))
    return Branch(prefix, tuple(tokens), tuple(hidden), first, tuple(sets))


def ancestors(chunk, node):
    return [other for other in range(node + 1) if node < chunk.ends[other]]


@settings(max_examples=200)
@given(st.lists(branches(), max_size=14), st.integers(1, 12))
def test_every_prediction_comes_from_exactly_its_own_past(given_branches, room):
    plan = trie.plan(TRUNK, given_branches)
    expected = {}
    for branch, start in zip(given_branches, plan.starts, strict=False):
        hidden, refed = trie.seen_from(branch.prefix, branch.hidden)
        asked = [*list(enumerate(branch.token_ids))[branch.given :], *branch.sets]
        slots = [*range(branch.given, len(branch.token_ids)), *range(len(branch.token_ids), branch.entries)]
        trunk, again = set(range(branch.prefix)) - set(hidden.tolist()), []
        if len(hidden) and any(i == 0 for i, _ in asked):
            trunk, again = trunk & set(range(refed)), [(refed, TRUNK[refed])]
        for slot, (i, target) in zip(slots, asked, strict=True):
            before = again + [(branch.prefix + j, branch.token_ids[j]) for j in range(i)]
            expected[int(start) + slot] = (target, trunk, before)
    found = {}
    for row, target, slot in zip(*vars(plan.trunk_edges).values(), strict=True):
        found[int(slot)] = (named(plan, target), set(range(row + 1)), [])
    for first, last in trie.chunks(plan.feeds, lambda prefix: room):
        chunk = trie.chunk(plan.feeds, first, last)
        assert len(chunk.token_ids) <= room or last - first == 1
        for node, target, slot in zip(*vars(chunk.edges).values(), strict=True):
            past = [(int(chunk.positions[a]), int(chunk.token_ids[a])) for a in ancestors(chunk, int(node))]
            out = set() if chunk.hidden_of[node] < 0 else set(chunk.hidden[chunk.hidden_of[node]].tolist())
            found[int(slot)] = (named(plan, target), set(range(chunk.limits[node])) - out, past)
    assert found == expected
    assert plan.prefill == max((b.prefix for b in given_branches if needs_trunk(b)), default=0)


def needs_trunk(branch):
    return branch.given < len(branch.token_ids) or bool(branch.sets)


def named(plan, target):
    return int(target) if target >= 0 else plan.sets[-target - 1]


def test_shared_beginnings_are_run_once():
    tokens = (1, 2, 3, 4, 5)
    plan = trie.plan(TRUNK, [Branch(9, (*tokens, answer)) for answer in range(50)] + [Branch(9, tokens)])
    (cut,) = trie.chunks(plan.feeds, lambda prefix: 1000)
    assert trie.chunk(plan.feeds, *cut).token_ids.tolist() == list(tokens)


def test_one_token_branches_need_no_nodes():
    plan = trie.plan(TRUNK, [Branch(p, (3,)) for p in range(1, 12)])
    assert len(plan.feeds) == 0
    assert plan.trunk_edges.rows.tolist() == list(range(11))


def test_positions_follow_the_prefix_and_hiding_shifts_none():
    plan = trie.plan(TRUNK, [Branch(8, (1, 2, 3), (7, 6, 2))])
    chunk = trie.chunk(plan.feeds, 0, 1)
    assert chunk.token_ids.tolist() == [TRUNK[5], 1, 2]
    assert chunk.positions.tolist() == [5, 8, 9]
    assert chunk.width == 5


def test_ten_thousand_branches_are_laid_out_quickly():
    rng = np.random.default_rng(0)
    many = [Branch(1 + i % 12, tuple(rng.integers(0, 5, 8).tolist())) for i in range(10_000)]
    plan = trie.plan(TRUNK, many)
    nodes = sum(len(trie.chunk(plan.feeds, a, b).token_ids) for a, b in trie.chunks(plan.feeds, lambda p: 400))
    assert nodes < 70_000


def test_added_nodes_see_only_themselves_and_are_seen_by_none():
    chunk = trie.chunk(trie.plan(TRUNK, [Branch(8, (1, 2, 3, 4)), Branch(9, (1, 2))]).feeds, 0, 2)
    n = len(chunk.token_ids)
    longer = packed.padded(chunk, n + 3)
    assert [ancestors(longer, node) for node in range(n)] == [ancestors(chunk, node) for node in range(n)]
    assert [ancestors(longer, node) for node in range(n, n + 3)] == [[n], [n + 1], [n + 2]]
    assert longer.limits[n:].tolist() == [0, 0, 0]


def test_predictions_of_lanes_are_read_where_they_stand():
    sequences = [trie.Edges(*np.array([[1, 4], [7, 8], [0, 1]])), trie.Edges(*np.array([[2, 4], [9, 6], [2, 3]]))]
    edges, wanted = trie.joined_edges(sequences, 1, 5)
    assert wanted.tolist() == [0, 1, 3]
    assert edges.rows.tolist() == [0, 2, 4, 5]
    assert edges.targets.tolist() == [7, 8, 9, 6]
    edges, wanted = trie.joined_edges(sequences, 2, 3)
    assert (wanted.tolist(), edges.rows.tolist(), edges.slots.tolist()) == ([0], [1], [2])
