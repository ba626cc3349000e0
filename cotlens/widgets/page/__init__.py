"""A widget as one HTML file that needs no kernel and no network.

`page` writes the file. `recording` is what a view without its kernel can still answer. `host.js` stands in for the
notebook in that file. Open `page` first.
"""
