"""What crosses between Python and the front end: the shape of every trait and of every message, declared here alone.

One module per widget, and `shared` for what several have. A trait of a view names its shape (`tag(shape=...)`), the
controllers check messages against `REQUESTS`, and `tools/write_protocol.py` writes `widgets/*/protocol.ts` from both:
run it after a change here. `make check` fails where that was forgotten.

Fields are as JSON has them: bytes are little-endian arrays, a text's positions are UTF-16 code units, ranges are
half-open. What is `NotRequired` is missing in notebooks that older versions saved, or may be left out by the view.

Open `shared` first.
"""
