"""Tokenizers of every style that models come with, trained in memory on a few sentences: what the codec is held to."""

import json
from functools import cache

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tests.model.tiny import SENTENCES

LINES = (
    *SENTENCES,
    "<table><tr><td>5</td></tr></table>   x\n\n\n  y = {a: [1, 2]}\t\tz",
    "\u7b2c\u4e00\u6b65\uff0c\u8ba1\u7b97\u3002 \u0643\u0645\u061f \u0915\u094d\u092f\u093e\u0964",
)
GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BLOCK = "\u2581"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
TAGS = [f"<{slash}{tag}>" for tag in ("table", "tr", "td", "h1", "b") for slash in ("", "/")]


# Snippets that a codec can stumble over: what is tokens of their own somewhere, what joins, what is no text anywhere.
ODD = (
    "Mia has 12 pears.", " leading  and   trailing  ", "tabs\tand\r\nlines\n\n\n", "\t\t\tx", " " * 40, "\n" * 17 + "x",
    "caf\u00e9 \u4f60\u597d \U0001f600 e\u0301", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u0643\u0645\u061f",
    "\x00\x07\x1b[0m\x7f", "\ufffd\ufeff\u200b", "a\u0300\u0301\u0302", "\u202ea\u202c", "\U0010fffe2\U0010ffff",
    "<table><tr><td>5</td></tr></table>", "<0x0A> \u2581x", "pears, so caf\u00e9s!", "<tool_call>", "[toxicity=0]",
    "<unused0>",
)  # fmt: skip
SPELLED = (
    "<think> b </think>", "<|im_end|>", "</s>", "<s>[INST] hi [/INST]", "<|assistant|>  hi", "a <mask> b",
    "[UNK]", "<|endoftext|>", "<eos><end_of_turn>", "<|start|>assistant<|channel|>final<|message|>", "<unk>", "[EOS]",
    "<\uff5cend\u2581of\u2581sentence\uff5c>", "<|eot_id|>", "<extra_id_0>",
)  # fmt: skip


def special(*texts, **flags):
    return [AddedToken(text, special=True, normalized=False, **flags) for text in texts]


def ordinary(*texts, normalized=False, **flags):
    return [AddedToken(text, special=False, normalized=normalized, **flags) for text in texts]


def byte_level(pattern, specials, others=(), *, normalizer=None, ignore_merges=False, prefix_space=False):
    """GPT-2 and all that came of it."""
    raw = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if pattern is None:
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    else:
        raw.pre_tokenizer = pre_tokenizers.Sequence(
            [
                *(pre_tokenizers.Split(Regex(one), "isolated") for one in pattern),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    raw.normalizer, raw.decoder = normalizer, decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    raw.train_from_iterator(LINES * 3, trainer)
    raw.add_tokens(list(others))
    raw.add_special_tokens(list(specials))
    return raw


def blocks(specials, others=(), *, normalizer=None, pre=None, strip=False, template=None):
    """SentencePiece's BPE: spaces as lower blocks, bytes for what is not in the vocabulary."""
    raw = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    raw.normalizer, raw.pre_tokenizer = normalizer, pre
    steps = [decoders.Replace(BLOCK, " "), decoders.ByteFallback(), decoders.Fuse()]
    raw.decoder = decoders.Sequence(steps + ([decoders.Strip(content=" ", left=1)] if strip else []))
    known = [one.content for one in (*specials, *others)]
    lines = ["".join(char for char in line if " " <= char < "\x7f") for line in LINES]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=[AddedToken(text, normalized=False) for text in (*known, *BYTES)],
        show_progress=False,
    )  # fmt: skip
    raw.train_from_iterator(lines * 3, trainer)
    raw = without_added(raw)  # what was trained as special is in the vocabulary now, as in a converted model
    raw.add_tokens(list(others))
    raw.add_special_tokens(list(specials))
    if template is not None:
        raw.post_processor = template
    return raw


def without_added(raw):
    state = json.loads(raw.to_str())
    return Tokenizer.from_str(json.dumps({**state, "added_tokens": []}))


def gemma():
    """No space before the text; runs of spaces and line breaks and HTML tags are added tokens that aren't special."""
    runs, lines = [BLOCK * n for n in range(2, 9)], ["\n" * n for n in range(1, 9)]
    return blocks(
        special("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
        [*ordinary("<unused0>", "[toxicity=0]", *lines, "\t", "\t\t", *TAGS), *ordinary(*runs, normalized=True)],
        normalizer=normalizers.Replace(" ", BLOCK),
        pre=pre_tokenizers.Split(" ", "merged_with_previous"),
    )


def llama2():
    """A space is put before every stretch of text, as the converted tokenizers of Llama 2 do."""
    return blocks(
        special("<unk>", "<s>", "</s>"),
        normalizer=normalizers.Sequence([normalizers.Prepend(BLOCK), normalizers.Replace(" ", BLOCK)]),
        strip=True,
        template=processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)]),
    )


def mistral():
    """A space is put before the text as a whole."""
    return blocks(
        special("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[THINK]", "[/THINK]"),
        pre=pre_tokenizers.Metaspace(replacement=BLOCK, prepend_scheme="first", split=False),
        strip=True,
    )


def phi3():
    """Markers of turns that take the whitespace after them along."""
    return blocks(
        [*special("<unk>", "<s>", "</s>"), *special("<|user|>", "<|assistant|>", "<|end|>", rstrip=True)],
        normalizer=normalizers.Sequence([normalizers.Prepend(BLOCK), normalizers.Replace(" ", BLOCK)]),
        strip=True,
    )


def wordpiece():
    raw = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    raw.normalizer, raw.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    raw.decoder = decoders.WordPiece()
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    raw.train_from_iterator(
        LINES * 3, trainers.WordPieceTrainer(vocab_size=300, special_tokens=names, show_progress=False)
    )
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return raw


def unigram():
    """In the manner of T5, whose control tokens are entries of the model's vocabulary like all others."""
    raw = Tokenizer(models.Unigram())
    raw.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    raw.pre_tokenizer = pre_tokenizers.Metaspace(replacement=BLOCK, prepend_scheme="always")
    raw.decoder = decoders.Metaspace(replacement=BLOCK, prepend_scheme="always")
    names = ["<pad>", "</s>", "<unk>", "<extra_id_0>", "<extra_id_1>"]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=names, unk_token="<unk>", show_progress=False)
    raw.train_from_iterator(LINES * 3, trainer)
    return raw


def words():
    """Whole words, with nothing that joins them again."""
    raw = Tokenizer(models.WordLevel({"[UNK]": 0, "[EOS]": 1, "Mia": 2, "has": 3, "12": 4, "pears": 5}, "[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    raw.add_special_tokens(["[UNK]", "[EOS]"])
    return raw


CHATML = special("<|endoftext|>", "<|im_start|>", "<|im_end|>")
SENTENCE = special("<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>")
HEADERS = special("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
CHANNELS = special("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>")
CHINESE = r"[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
# Name -> how it is made, and which special tokens stand for the ends and what can't be written.
STYLES = {
    "gpt2": (lambda: byte_level(None, special("<|endoftext|>")), {}),
    "roberta": (
        lambda: byte_level(None, [*special("<s>", "</s>"), *special("<mask>", lstrip=True)], prefix_space=True),
        {"bos_token": "<s>", "eos_token": "</s>"},
    ),
    "neox": (
        lambda: byte_level(
            None, special("<|endoftext|>"), ordinary(*(" " * n for n in range(2, 12)), normalized=True),
            normalizer=normalizers.NFC(),
        ),
        {},
    ),
    "qwen": (
        lambda: byte_level(
            [GPT4.replace("{1,3}", "")], CHATML, ordinary("<think>", "</think>", "<tool_call>", "</tool_call>"),
            normalizer=normalizers.NFC(),
        ),
        {"eos_token": "<|im_end|>"},
    ),
    "llama3": (lambda: byte_level([GPT4], HEADERS, ignore_merges=True), {"bos_token": "<|begin_of_text|>"}),
    "deepseek": (
        lambda: byte_level(
            [r"\p{N}{1,3}", CHINESE, GPT4], [*SENTENCE, *special("<\uff5cUser\uff5c>", "<\uff5cAssistant\uff5c>")],
            ordinary("<think>", "</think>"),
        ),
        {"bos_token": SENTENCE[0].content, "eos_token": SENTENCE[1].content},
    ),
    "phi4": (
        lambda: byte_level([GPT4], [*CHATML, *special("<|im_sep|>", "<think>", "</think>", rstrip=True, lstrip=True)]),
        {"eos_token": "<|im_end|>"},
    ),
    "o200k": (lambda: byte_level([O200K], CHANNELS), {"eos_token": "<|return|>"}),
    "fused": (  # tokens that join markers and text, in all ways there are
        lambda: byte_level(
            [GPT4], CHATML,
            ordinary(*(a + b for a in ">)#:|" for b in "f.(\\x5<"), *(a + b for a in "o.)\\x" for b in "<()#|S")),
        ),
        {},
    ),
    "words of one's own": (
        lambda: byte_level(
            [GPT4], CHATML,
            [*ordinary("pears", "caf\u00e9", single_word=True), *ordinary(" so", "\u4f60", rstrip=True)],
        ),
        {"pad_token": "!"},
    ),
    "gemma": (gemma, {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>"}),
    "llama2": (llama2, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
    "mistral": (mistral, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
    "phi3": (phi3, {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
    "wordpiece": (wordpiece, {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}),
    "unigram": (unigram, {"unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>"}),
    "words": (words, {"unk_token": "[UNK]", "eos_token": "[EOS]"}),
}  # fmt: skip
# Those that give a text back, byte for byte; others compose characters, or have none for what they didn't see.
LOSSLESS = ("gpt2", "fused", "roberta", "llama3", "deepseek", "o200k", "gemma", "llama2", "mistral", "phi3")


def wrapped(raw, names):
    return PreTrainedTokenizerFast(tokenizer_object=raw, **names)


@cache
def tokenizer(style):
    """The tokenizer of a style, shared by all tests of a process."""
    made, names = STYLES[style]
    return wrapped(made(), names)
