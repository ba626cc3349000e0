"""A notebook as one HTML file that asks nothing of the network.

nbconvert's own pages fetch the scripts of widgets from a public host, and without it show neither a widget nor what
stands in for it. Here every output is what it can be without a kernel: charts, tables and tokens as they are, a view of
CoTLens whose state the notebook keeps as a frame in which it can be read, and any other widget as its line of text.

    cotlens export notebook.ipynb
    jupyter nbconvert --to cotlens notebook.ipynb      # the same; JupyterLab has it among its exports, too
    jupyter nbconvert --to html --HTMLExporter.preprocessors=cotlens.export.exporters.StaticViews notebook.ipynb

Open `page` first. `saved` finds the views in a notebook; `exporters` are what nbconvert knows of it.
"""

from cotlens.export.page import to_html
from cotlens.export.saved import STATE, WIDGET

__all__ = ["STATE", "WIDGET", "to_html"]
