"""Results of one row per layer and place as grids: what the front end is told of lenses and patches.

`runs` reads a result as numbers by layer and place, `folding` puts tokens together and two runs beside each
other, `payload` says all that as the view's trait. Open `payload` first.
"""
