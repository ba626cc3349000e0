"""From a name, a folder or a loaded pair to a model in this process, with what is tried on it. Open `opening` first.

`settings` are precision, devices and quantisation; `planning` says what loading would take; `steps` names what is done
now; `trial` tries on the loaded model what its architecture says it can do, before it is offered.
"""
