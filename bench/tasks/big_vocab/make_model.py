#!/usr/bin/env python3
"""Writes a random BF16 model with a vocabulary of 248,320 and a width of 2,048: the shape of the
head of Qwen3.5-35B-A3B over a few layers. Its tokenizer is the one of a small real model, filled up
with unused entries, so that every text can be tokenized by every tool.

usage: make_model.py TOKENIZER_MODEL.gguf OUT.gguf [--layers N] [--vocab N] [--seed N]
Needs the PyPI packages gguf and numpy.
"""
import argparse

import gguf
import numpy as np

WIDTH, FEED_FORWARD, HEADS, KV_HEADS, HEAD_DIM = 2048, 6144, 16, 4, 128


def bf16(values: np.ndarray) -> np.ndarray:
    """Round to nearest even, as raw uint16 seen as bytes."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype(np.uint16).view(np.uint8)


def add_matrix(writer, rng, name, rows, columns, scale):
    blocks = [rng.standard_normal((min(4096, rows - r), columns), dtype=np.float32) * scale
              for r in range(0, rows, 4096)]
    data = np.concatenate([bf16(b) for b in blocks])
    writer.add_tensor(name, data, raw_shape=data.shape, raw_dtype=gguf.GGMLQuantizationType.BF16)


def copy_tokenizer(writer, path, vocab):
    fields = gguf.GGUFReader(path).fields
    for key in ("tokenizer.ggml.model", "tokenizer.ggml.pre"):
        writer.add_string(key, fields[key].contents())
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    missing = vocab - len(tokens)
    writer.add_token_list(tokens + [f"[UNUSED_{i}]" for i in range(missing)])
    writer.add_token_types(list(types) + [5] * missing)
    writer.add_token_merges(fields["tokenizer.ggml.merges"].contents())
    for key, field in fields.items():
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id"):
            writer.add_uint32(key, int(field.contents()))
    writer.add_add_bos_token(False)


def add_layer(writer, rng, i):
    norm = np.ones(WIDTH, dtype=np.float32)
    unit = 1 / np.sqrt(WIDTH)
    writer.add_tensor(f"blk.{i}.attn_norm.weight", norm)
    add_matrix(writer, rng, f"blk.{i}.attn_q.weight", HEADS * HEAD_DIM, WIDTH, unit)
    add_matrix(writer, rng, f"blk.{i}.attn_k.weight", KV_HEADS * HEAD_DIM, WIDTH, unit)
    add_matrix(writer, rng, f"blk.{i}.attn_v.weight", KV_HEADS * HEAD_DIM, WIDTH, unit)
    add_matrix(writer, rng, f"blk.{i}.attn_output.weight", WIDTH, HEADS * HEAD_DIM, unit)
    writer.add_tensor(f"blk.{i}.ffn_norm.weight", norm)
    add_matrix(writer, rng, f"blk.{i}.ffn_gate.weight", FEED_FORWARD, WIDTH, unit)
    add_matrix(writer, rng, f"blk.{i}.ffn_up.weight", FEED_FORWARD, WIDTH, unit)
    add_matrix(writer, rng, f"blk.{i}.ffn_down.weight", WIDTH, FEED_FORWARD, 1 / np.sqrt(FEED_FORWARD))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokenizer_model")
    parser.add_argument("out")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--vocab", type=int, default=248_320)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    writer = gguf.GGUFWriter(args.out, "llama")
    writer.add_name("big-vocab random")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(args.layers)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_vocab_size(args.vocab)
    writer.add_file_type(32)  # mostly BF16
    copy_tokenizer(writer, args.tokenizer_model, args.vocab)
    add_matrix(writer, rng, "token_embd.weight", args.vocab, WIDTH, 1.0)
    for i in range(args.layers):
        add_layer(writer, rng, i)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, dtype=np.float32))
    # logits with a standard deviation of 3: as peaked as a trained model of this vocabulary
    add_matrix(writer, rng, "output.weight", args.vocab, WIDTH, 3 / np.sqrt(WIDTH))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
