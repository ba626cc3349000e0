"""Surveys: many traces or prompts by many methods, seeds and models; here, on a server, or on Ray.

    plan = cl.survey(traces, [cl.importance.EarlyAnswer(unit="sentence")], models="abacus")
    plan.cost()  # before anything runs
    found = plan.run(ray=True)  # found.frame(), found.results, found.failures

A plan is data (`plan.save("plan.toml")`, `cotlens survey plan.toml`). Every cell is in the store as soon as it is
measured, so whatever is killed, a survey goes on where it was. Open `plan` first.

- `plan`: what is surveyed. `toml`: as a file. `named`: methods and models as data, and back.
- `worker`: one cell, from the store or measured. `pools`: workers in this process. `on_ray`: workers on a cluster.
- `running`: which cells are sent where, again, or given up. `surveyed`: what came back, as one table.
"""
