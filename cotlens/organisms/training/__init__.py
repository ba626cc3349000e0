"""How the organisms were made: `dataset`, `tokenizer`, `recipes` of each of the `siblings`, and `train`."""
