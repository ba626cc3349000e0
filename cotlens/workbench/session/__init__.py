"""A session: widgets, branches, results and notes in one file that grows as one works, and comes back as it was.

`session` is what a notebook uses; `file` is the file, `written` what is in it already, `lazy_model` the model that is
loaded only when it is asked for something, `kinds` how each widget is kept, with `editors`, `tables` and `steering` for
the large ones, `held` what is there while it is opened, `names` what things are called. `script` is the Python that
does everything again, `page` one page of it all. Open `session` first.
"""
