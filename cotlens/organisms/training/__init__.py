"""How the organisms were made: `dataset`, `tokenizer`, `recipes` of each of the `siblings`, and `train`.

Open `recipes` first. To add an organism, add a recipe and a sibling here, its habit in `task.behaviours`, what decides
its answer in `truth.answer_rules`, and how it is measured in `evaluation`.
"""
