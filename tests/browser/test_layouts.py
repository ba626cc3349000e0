"""Widgets among others: in the boxes, tabs and grids of ipywidgets, with or without their controllers."""

from playwright.sync_api import expect

from tests.browser.journey import PROMPT, cell, from_text

OPENED = cell(from_text(PROMPT, "16 + 28 = 44. Then 44 - 15 = 29. So 29 - 12 = 17.", "The answer is 17."))
OTHERS = """
import ipywidgets as w
scores = cl.ImportanceMap(cl.importance.Occlusion(unit="sentence").run(editor.trace, model), trace=editor.trace)
"""
LAYOUTS = {
    "w.HBox([editor, cl.CoTEditor(model, editor.trace).view])": 2,
    "w.HBox([w.Button(description='a button'), editor, scores])": 2,
    "w.VBox([editor, scores], layout=w.Layout(align_items='flex-start'))": 2,
    "w.GridBox([editor, scores], layout=w.Layout(grid_template_columns='1fr 1fr'))": 2,
    "w.Tab([w.HBox([editor]), scores])": 1,
    "w.Accordion([editor], selected_index=0)": 1,
    "w.TwoByTwoLayout(top_left=editor, top_right=scores)": 2,
}


def test_every_layout_gives_a_widget_room(notebook):
    nb = notebook([OPENED, OTHERS, *LAYOUTS])
    nb.run_all()
    for index, (layout, count) in enumerate(LAYOUTS.items(), 2):
        roots = nb.output(index).locator(".cotlens-root:visible")
        expect(roots, layout).to_have_count(count)
        boxes = [root.bounding_box() for root in roots.all()]
        assert all(box["width"] >= 300 for box in boxes), (layout, boxes)
        side_by_side = len({round(box["y"]) for box in boxes}) == 1
        assert side_by_side is (count > 1 and "VBox" not in layout) or count == 1, (layout, boxes)
        room = nb.output(index).bounding_box()["width"]
        assert max(box["x"] + box["width"] for box in boxes) - boxes[0]["x"] <= room, (layout, boxes)
    assert nb.output(2).locator(".cotlens-root").first.bounding_box()["width"] > 500, "two share the line"
