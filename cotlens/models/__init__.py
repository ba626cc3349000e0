"""How a model is reached: the contract every backend meets, the local backend, and the reasoners that are shipped.

`contract` and `interventions` say what can be asked; `load` finds a model; `local` answers. Formats of reasoning
families are data (`families`); everything that touches a model's insides goes through `tracing`.
"""
