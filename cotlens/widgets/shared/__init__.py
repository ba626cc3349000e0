"""What the Python halves of all views share: what their front end is, how numbers cross, and what is selected.

`bundles` are the built files that a view is made of, `encoding` turns arrays and texts into what crosses, `scores` are
a result as the shading of a text, `selection` is what one view tells the others. Open `bundles` first.
"""
