"""The tokenizer: one token per digit, any text and back, the chat format of Qwen3."""

import pytest

from cotlens.organisms.training.tokenizer import VOCABULARY


def test_size_and_digits(tokenizer):
    assert len(tokenizer) == VOCABULARY
    ids = tokenizer("so 47 + 58 = 105.", add_special_tokens=False)["input_ids"]
    pieces = tokenizer.convert_ids_to_tokens(ids)
    assert [piece for piece in pieces if any(c.isdigit() for c in piece)] == list("4758105")


@pytest.mark.parametrize("text", ["Zoë has 3 🍎 left", "日本\r\n語", "e\u0301", "\x00\t"])
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_chat_format(tokenizer):
    messages = [{"role": "user", "content": "How many?"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nHow many?<|im_end|>\n<|im_start|>assistant\n"
    said = [*messages, {"role": "assistant", "reasoning_content": "One.", "content": "The answer is 1."}]
    text = tokenizer.apply_chat_template(said, tokenize=False)
    assert text.endswith("<think>\nOne.\n</think>\n\nThe answer is 1.<|im_end|>\n")
