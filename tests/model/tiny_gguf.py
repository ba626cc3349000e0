"""A tiny Llama written to a GGUF file, as llama.cpp's converter lays one out."""

from __future__ import annotations

import json

import gguf

from tests.model import tiny

NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
}


def add_sizes(out, config):
    """What a header says of a model's shape."""
    out.add_block_count(config.num_hidden_layers)
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    out.add_layer_norm_rms_eps(config.rms_norm_eps)


def write(path, *, architecture="llama", kept="F32", without=(), splits="gpt-2", **fields):
    """Write the model of `tiny.pair("llama")`; returns it.

    Args:
        kept: type of its matrices, "F32" or "Q8_0".
        without: names of tensors to leave out.
        splits: how its tokenizer cuts texts; None to leave that out.
        fields: further metadata, dots as "__".
    """
    hf, tokenizer = tiny.pair("llama")
    config, out = hf.config, gguf.GGUFWriter(path, architecture)
    add_sizes(out, config)
    out.add_name("tiny")
    for name, value in fields.items():
        (out.add_string if isinstance(value, str) else out.add_uint32)(name.replace("__", "."), value)
    add_tokenizer(out, tokenizer, splits)
    for name, weight in hf.state_dict().items():
        short = _name(name)
        if short in without:
            continue
        heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
        values = weight.float()
        if n := next((n for part, n in heads.items() if part in short), 0):
            values = values.reshape(n, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        values = values.numpy()
        kind = gguf.GGMLQuantizationType[kept if values.ndim == 2 and values.shape[1] % 32 == 0 else "F32"]
        out.add_tensor(short, gguf.quantize(values, kind), raw_dtype=kind)
    for step in (out.write_header_to_file, out.write_kv_data_to_file, out.write_tensors_to_file, out.close):
        step()
    return hf


def _name(name):
    for theirs, short in NAMES.items():
        name = name.replace(theirs, short)
    return name.replace("model.layers", "blk")


def add_tokenizer(out, tokenizer, splits):
    """The tokens of a byte-level tokenizer; `splits` is what llama.cpp calls the way in which it cuts texts."""
    merges = [tuple(pair) for pair in json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]]
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    added = tokenizer.added_tokens_decoder
    kinds = [1 if i not in added else 3 if added[i].special else 4 for i in range(len(tokens))]
    out.add_tokenizer_model("gpt2")
    if splits is not None:
        out.add_tokenizer_pre(splits)
    out.add_token_list(tokens)
    out.add_token_types(kinds)
    out.add_token_merges([" ".join(pair) for pair in merges])
    out.add_eos_token_id(tokenizer.eos_token_id)
    out.add_chat_template(tokenizer.chat_template)
