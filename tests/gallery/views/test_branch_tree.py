"""The branch tree: walked by keys, its fields say what was typed, and branches are compared."""

from playwright.sync_api import expect

from tests.gallery.page import Gallery


def test_the_tree_is_walked_by_keys(gallery: Gallery) -> None:
    gallery.show("tree", width=1400)
    tree = gallery.find("[data-region=branches]")
    assert gallery.find("[role=treeitem]").count() == 4, "what was pruned is out of sight"
    tree.focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        gallery.page.keyboard.press(key)
    assert gallery.sent("goto") == [{"kind": "goto", "branch": "b2"}]
    gallery.page.keyboard.press("Delete")
    assert gallery.sent("prune") == [{"kind": "prune", "branch": "b2"}]
    gallery.page.keyboard.press("ControlOrMeta+z")
    gallery.page.keyboard.press("ControlOrMeta+Shift+z")
    assert len(gallery.sent("undo")) == len(gallery.sent("redo")) == 1
    gallery.action("all").click()
    assert gallery.find("[role=treeitem]").count() == 6
    assert gallery.find("[aria-level='3'] .cotlens-name").all_text_contents() == [
        "again from #2",
        "+1.2 check the work",
    ]


def test_names_tags_and_notes_are_said_when_a_field_is_left(gallery: Gallery) -> None:
    gallery.show("tree", width=1400)
    gallery.find("[data-branch=b1]").click()
    gallery.page.keyboard.press("F2")
    gallery.page.keyboard.type("z")
    assert gallery.sent("undo") == [], "typing is typing"
    # Something else is said of the branch meanwhile: what is typed stays.
    gallery.model("model.set({ branches: model.get('branches').map((each) => ({ ...each, tokens: 5 })) })")
    gallery.page.keyboard.type(" sum")
    gallery.page.keyboard.press("Tab")
    gallery.page.keyboard.type(", one, two ")
    gallery.page.keyboard.press("Tab")
    gallery.find("textarea").fill("because")
    gallery.page.keyboard.press("Tab")
    assert gallery.sent("rename") == [{"kind": "rename", "branch": "b1", "text": "z sum"}]
    (tagged,) = gallery.sent("tag")
    assert tagged["tags"] in (["one", "two"], ["arithmetic", "one", "two"])
    assert gallery.sent("annotate") == [{"kind": "annotate", "branch": "b1", "text": "because"}]


def test_two_are_compared_and_more_are_a_fan(gallery: Gallery) -> None:
    gallery.show("tree", width=1400)
    gallery.find("[data-region=branches]").focus()
    for key in ("m", "ArrowDown", "m"):
        gallery.page.keyboard.press(key)
    assert gallery.sent("compare") == [{"kind": "compare", "branches": ["b0", "b1"]}]
    gallery.set(
        "{ compared: { branches: ['b0', 'b1'], words: 'was 17, now 27', diff: [{ op: 'same', text: 'so ' }, "
        "{ op: 'del', text: '44' }, { op: 'ins', text: '54' }], "
        "fan: [{ answer: '17', count: 1, share: .5, low: .1, high: .9 }] } }"
    )
    expect(gallery.find(".cotlens-diff ins")).to_have_text("54")
    expect(gallery.find("[aria-label='compared branches']")).to_contain_text("was 17, now 27")
    gallery.page.keyboard.press("Escape")
    expect(gallery.find(".cotlens-diff")).to_have_count(0)


def test_without_a_kernel_the_tree_is_read(gallery: Gallery) -> None:
    gallery.show("treegone", width=1400)
    gallery.find("[data-region=branches]").focus()
    gallery.page.keyboard.press("ArrowDown")
    expect(gallery.find(".cotlens-facts")).to_contain_text("was 17, now 27")
    gallery.page.keyboard.press("Enter")
    assert gallery.sent() == []
    expect(gallery.root).to_contain_text("There is no kernel behind this tree")
