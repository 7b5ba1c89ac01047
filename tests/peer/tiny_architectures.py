"""Models of many architectures that have headers and no weights: the files are sparse.

Small, but with enough layers that every part of a mixture (first eighth, every third, counters) shows,
and with the tensors that make the architecture special: experts, shared experts, state-space layers,
low-rank attention, tied heads, tables that are never quantized, rows that fit no block of 256.
"""

import sys
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "cli"))
from gguf_edit import ARRAY, STRING, Gguf, Tensor  # noqa: E402

UINT32, FLOAT32, BOOL = 4, 6, 7
F32, BF16 = 0, 30
VOCABULARY = 512


@dataclass
class Shape:
    """Figures of a model; `heads_kv` may be a list, one number per layer."""

    layers: int = 17
    width: int = 512
    ff: int = 1024
    heads: int = 8
    heads_kv: object = 2
    head: int = 64
    experts: int = 0
    expert_ff: int = 256
    tied: bool = False
    keys: dict = field(default_factory=dict)  # of the architecture, beside the usual ones


# --- tensors --------------------------------------------------------------------------------------


def head_of(s: Shape) -> list:
    tensors = [("token_embd.weight", [s.width, VOCABULARY]), ("output_norm.weight", [s.width])]
    return tensors if s.tied else tensors + [("output.weight", [s.width, VOCABULARY])]


def heads_kv(s: Shape, layer: int) -> int:
    return s.heads_kv[layer] if isinstance(s.heads_kv, list) else s.heads_kv


def attention(s: Shape, layer: int, q: int = 1) -> list:
    kv = max(heads_kv(s, layer), 1) * s.head
    return [("attn_norm.weight", [s.width]), ("attn_q.weight", [s.width, q * s.heads * s.head]),
            ("attn_k.weight", [s.width, kv]), ("attn_v.weight", [s.width, kv]),
            ("attn_output.weight", [s.heads * s.head, s.width])]


def fused_attention(s: Shape) -> list:
    return [("attn_norm.weight", [s.width]), ("attn_norm.bias", [s.width]),
            ("attn_qkv.weight", [s.width, 3 * s.width]), ("attn_qkv.bias", [3 * s.width]),
            ("attn_output.weight", [s.width, s.width])]


def low_rank_attention(s: Shape, split: bool) -> list:
    tensors = [("attn_norm.weight", [s.width]), ("attn_q_a.weight", [s.width, 256]),
               ("attn_q_a_norm.weight", [256]), ("attn_q_b.weight", [256, s.heads * 192]),
               ("attn_kv_a_mqa.weight", [s.width, 576]), ("attn_kv_a_norm.weight", [512]),
               ("attn_output.weight", [s.heads * 128, s.width])]
    if split:
        return tensors + [("attn_k_b.weight", [128, 512, s.heads]),
                          ("attn_v_b.weight", [512, 128, s.heads])]
    return tensors + [("attn_kv_b.weight", [512, s.heads * 256])]


def delta_net(s: Shape, ba: bool) -> list:
    inner = 1024
    tensors = [("attn_norm.weight", [s.width]), ("attn_qkv.weight", [s.width, 2 * inner]),
               ("attn_gate.weight", [s.width, inner]), ("ssm_conv1d.weight", [4, 2 * inner]),
               ("ssm_a", [16]), ("ssm_dt.bias", [16]), ("ssm_norm.weight", [64]),
               ("ssm_out.weight", [inner, s.width])]
    if ba:
        return tensors + [("ssm_ba.weight", [s.width, 32])]
    return tensors + [("ssm_alpha.weight", [s.width, 16]), ("ssm_beta.weight", [s.width, 16])]


def state_space(s: Shape) -> list:
    inner = 2 * s.width
    return [("attn_norm.weight", [s.width]), ("ssm_in.weight", [s.width, 2 * inner + 264]),
            ("ssm_conv1d.weight", [4, inner + 256]), ("ssm_conv1d.bias", [inner + 256]),
            ("ssm_dt.bias", [8]), ("ssm_a", [1, 8]), ("ssm_d", [1, 8]),
            ("ssm_norm.weight", [inner // 2, 2]), ("ssm_out.weight", [inner, s.width])]


def feed_forward(s: Shape, gate: bool = True) -> list:
    tensors = [("ffn_norm.weight", [s.width]), ("ffn_up.weight", [s.width, s.ff]),
               ("ffn_down.weight", [s.ff, s.width])]
    return tensors + [("ffn_gate.weight", [s.width, s.ff])] if gate else tensors


def experts(s: Shape, gate: bool = True) -> list:
    tensors = [("ffn_norm.weight", [s.width]), ("ffn_gate_inp.weight", [s.width, s.experts]),
               ("ffn_up_exps.weight", [s.width, s.expert_ff, s.experts]),
               ("ffn_down_exps.weight", [s.expert_ff, s.width, s.experts])]
    if gate:
        tensors.append(("ffn_gate_exps.weight", [s.width, s.expert_ff, s.experts]))
    return tensors


def shared_experts(s: Shape, gate: bool = True) -> list:
    tensors = [("ffn_up_shexp.weight", [s.width, s.expert_ff]),
               ("ffn_down_shexp.weight", [s.expert_ff, s.width])]
    if gate:
        tensors.append(("ffn_gate_shexp.weight", [s.width, s.expert_ff]))
    return tensors


def blocks(s: Shape, tensors_of) -> list:
    return [(f"blk.{layer}.{name}", shape) for layer in range(s.layers)
            for name, shape in tensors_of(layer)]


# --- architectures --------------------------------------------------------------------------------


def dense(s: Shape) -> list:
    return head_of(s) + blocks(s, lambda i: attention(s, i) + feed_forward(s))


def mixture(s: Shape, shared: bool = False) -> list:
    return head_of(s) + blocks(s, lambda i: attention(s, i) + experts(s) +
                               (shared_experts(s) if shared else []))


def falcon(s: Shape) -> list:
    return head_of(s) + blocks(s, lambda i: fused_attention(s) + feed_forward(s, gate=False))


def phi3(s: Shape) -> list:
    return head_of(s) + blocks(s, lambda i: fused_attention(s) +
                               [("ffn_norm.weight", [s.width]),
                                ("ffn_up.weight", [s.width, 2 * s.ff]),
                                ("ffn_down.weight", [s.ff, s.width])])


def gpt2(s: Shape) -> list:
    return [("position_embd.weight", [s.width, 256])] + falcon(s)


def bert(s: Shape) -> list:
    return [("token_types.weight", [s.width, 2]), ("token_embd_norm.weight", [s.width]),
            ("position_embd.weight", [s.width, 256])] + dense(s)


def qwen2moe(s: Shape) -> list:
    return mixture(s, shared=True) + blocks(s, lambda i: [("ffn_gate_inp_shexp.weight", [s.width])])


def deepseek2(s: Shape, split: bool = True) -> list:
    return head_of(s) + blocks(s, lambda i: low_rank_attention(s, split) + (
        feed_forward(s) if i < 1 else
        experts(s) + shared_experts(s) + [("exp_probs_b.bias", [s.experts])]))


def prediction(s: Shape) -> list:
    last = s.layers - 1
    return mixture(s, shared=True) + [
        (f"blk.{last}.nextn.eh_proj.weight", [2 * s.width, s.width]),
        (f"blk.{last}.nextn.embed_tokens.weight", [s.width, VOCABULARY]),
        (f"blk.{last}.nextn.enorm.weight", [s.width]), (f"blk.{last}.nextn.hnorm.weight", [s.width])]


def hybrid(s: Shape, ba: bool = False) -> list:
    ffn = (lambda: experts(s) + shared_experts(s)) if s.experts else (lambda: feed_forward(s))
    return head_of(s) + blocks(s, lambda i: (attention(s, i, 2) if i % 4 == 3 else
                                             delta_net(s, ba)) + ffn())


def nemotron_h(s: Shape) -> list:
    def block(layer):
        if heads_kv(s, layer) > 0:
            return attention(s, layer)
        if layer % 2 == 0:
            return state_space(s)
        return experts(s, gate=False) + shared_experts(s, gate=False)
    return head_of(s) + blocks(s, block)


def short_convolutions(s: Shape) -> list:
    def block(layer):
        if heads_kv(s, layer) > 0:
            return attention(s, layer) + feed_forward(s)
        return [("shortconv.in_proj.weight", [s.width, 3 * s.width]),
                ("shortconv.conv.weight", [3, s.width]),
                ("shortconv.out_proj.weight", [s.width, s.width])] + feed_forward(s)
    return head_of(s) + blocks(s, block)


def mamba2(s: Shape) -> list:
    return head_of(s) + blocks(s, lambda i: state_space(s))


def granite_hybrid(s: Shape) -> list:
    return head_of(s) + blocks(s, lambda i: (attention(s, i) if heads_kv(s, i) else state_space(s)) +
                               experts(s) + shared_experts(s))


def rwkv7(s: Shape) -> list:
    small = [(f"time_mix_{name}.weight", [s.width, 64]) for name in
             ("w1", "w2", "a1", "a2", "v1", "v2", "g1", "g2")]
    return head_of(s) + blocks(s, lambda i: small + [
        ("time_mix_lerp_fused.weight", [s.width, 1, 1, 6]), ("time_mix_r_k.weight", [64, 8]),
        ("time_mix_key.weight", [s.width, s.width]), ("time_mix_value.weight", [s.width, s.width]),
        ("time_mix_output.weight", [s.width, s.width]), ("channel_mix_key.weight", [s.width, s.ff]),
        ("channel_mix_value.weight", [s.ff, s.width])])


def gemma3n(s: Shape) -> list:
    return dense(s) + [
        ("per_layer_token_embd.weight", [64 * s.layers, VOCABULARY]),
        ("per_layer_model_proj.weight", [s.width, 64 * s.layers]),
        ("altup_proj.weight", [s.width, s.width, 3])] + blocks(s, lambda i: [
            ("laurel_l.weight", [s.width, 64]), ("laurel_r.weight", [64, s.width]),
            ("inp_gate.weight", [s.width, 64]), ("proj.weight", [64, s.width])])


def t5(s: Shape) -> list:
    def block(side, cross):
        tensors = attention(s, 0) + feed_forward(s) + [("attn_rel_b.weight", [s.heads, 32])]
        if cross:
            tensors += [(f"cross_{name}", shape) for name, shape in attention(s, 0)]
        return [(f"{side}.blk.{layer}.{name}", shape) for layer in range(s.layers)
                for name, shape in tensors]
    return head_of(s) + block("enc", False) + block("dec", True)


def glm5(s: Shape) -> list:
    return deepseek2(s) + blocks(s, lambda i: [("indexer.attn_k.weight", [s.width, 128]),
                                               ("hc_attn_fn.weight", [4 * s.width, 24]),
                                               ("ssm_f_a.weight", [s.width, 128]),
                                               ("ssm_beta.weight", [s.width, 16])])


def minimax(s: Shape) -> list:
    return mixture(s) + blocks(s, lambda i: [("indexer.k_proj.weight", [s.width, 128]),
                                             ("indexer.q_proj.weight", [s.width, 256])])


EVERY_FOURTH = [2 if layer % 4 == 1 else 0 for layer in range(17)]
MLA = {"attention.key_length": 576, "attention.value_length": 512, "attention.key_length_mla": 192,
       "attention.value_length_mla": 128, "attention.q_lora_rank": 256,
       "attention.kv_lora_rank": 512, "rope.dimension_count": 64}
SSM = {"ssm.conv_kernel": 4, "ssm.inner_size": 1024, "ssm.state_size": 128,
       "ssm.time_step_rank": 8, "ssm.group_count": 2}

# name: (architecture, figures, tensors)
MODELS = {
    "llama": ("llama", Shape(), dense),
    "llama-70b": ("llama", Shape(layers=80, width=256, ff=256), dense),
    "llama-8-experts": ("llama", Shape(experts=8), mixture),
    "qwen2-72b": ("qwen2", Shape(layers=80, width=256, ff=256, heads_kv=8), dense),
    "qwen3-tied": ("qwen3", Shape(layers=28, tied=True), dense),
    "gemma3-tied": ("gemma3", Shape(layers=26, tied=True, heads_kv=4), dense),
    "falcon": ("falcon", Shape(heads_kv=1), falcon),
    "phi3": ("phi3", Shape(heads_kv=8), phi3),
    "gpt2": ("gpt2", Shape(tied=True, heads_kv=8), gpt2),
    "bert": ("bert", Shape(tied=True, heads_kv=8), bert),
    "qwen2moe": ("qwen2moe", Shape(experts=60), qwen2moe),
    "olmoe": ("olmoe", Shape(experts=64, heads_kv=8), mixture),
    "deepseek2": ("deepseek2", Shape(experts=64, heads_kv=1, keys=MLA), deepseek2),
    "deepseek2-old": ("deepseek2", Shape(experts=64, heads_kv=8, keys=MLA),
                      lambda s: deepseek2(s, split=False)),
    "glm4moe-mtp": ("glm4moe", Shape(experts=16, keys={"nextn_predict_layers": 1}), prediction),
    "qwen35moe": ("qwen35moe", Shape(layers=24, experts=32, keys=SSM), hybrid),
    "qwen35": ("qwen35", Shape(layers=24, keys=SSM), hybrid),
    "qwen3next": ("qwen3next", Shape(layers=24, experts=32, keys=SSM),
                  lambda s: hybrid(s, ba=True)),
    "nemotron_h_moe": ("nemotron_h_moe",
                       Shape(width=672, experts=16, heads_kv=EVERY_FOURTH, expert_ff=464 + 16,
                             keys=SSM | {"feed_forward_length":
                                         [0 if layer % 2 == 0 else 480 for layer in range(17)]}),
                       nemotron_h),
    "lfm2": ("lfm2", Shape(tied=True, heads_kv=EVERY_FOURTH), short_convolutions),
    "mamba2": ("mamba2", Shape(heads=0, heads_kv=0, keys=SSM), mamba2),
    "granitehybrid": ("granitehybrid", Shape(experts=32, heads_kv=EVERY_FOURTH, keys=SSM),
                      granite_hybrid),
    "rwkv7": ("rwkv7", Shape(heads=0, heads_kv=0), rwkv7),
    "gemma3n": ("gemma3n", Shape(layers=30, tied=True), gemma3n),
    "t5": ("t5", Shape(layers=8, heads_kv=8), t5),
    "gpt-oss": ("gpt-oss", Shape(width=480, experts=32, expert_ff=480), mixture),
    "odd-rows": ("llama", Shape(width=344, heads=4, head=86, ff=352), dense),
    "minimax-m2": ("minimax-m2", Shape(experts=32), minimax),
    "glm5-next": ("glm5-next", Shape(experts=16, heads_kv=1, keys=MLA), glm5),
    "bailingmoe3": ("bailingmoe3", Shape(experts=16, heads_kv=1, keys=MLA), deepseek2),
}


# --- writing --------------------------------------------------------------------------------------


def usual_keys(s: Shape) -> dict:
    """What the loaders of these architectures ask for, all together: what one does not know it
    ignores."""
    keys = {
        "context_length": 256, "embedding_length": s.width, "block_count": s.layers,
        "feed_forward_length": s.ff, "attention.head_count": s.heads,
        "attention.head_count_kv": s.heads_kv, "attention.key_length": s.head,
        "attention.value_length": s.head, "rope.dimension_count": s.head,
        "attention.layer_norm_epsilon": 1e-5, "attention.layer_norm_rms_epsilon": 1e-5,
        "attention.sliding_window": 64, "attention.relative_buckets_count": 32,
        "rope.dimension_sections": [16, 8, 8, 0], "leading_dense_block_count": 1,
        "full_attention_interval": 4, "shortconv.l_cache": 3, "wkv.head_size": 64,
        "attention.decay_lora_rank": 64, "attention.iclr_lora_rank": 64,
        "attention.value_residual_mix_lora_rank": 64, "attention.gate_lora_rank": 64,
        "attention.indexer.head_count": 4, "attention.indexer.key_length": 128,
        "attention.indexer.top_k": 64, "attention.indexer.kpool": 4,
        "hyper_connection.count": 4, "hyper_connection.sinkhorn_iterations": 2,
        "hyper_connection.epsilon": 1e-6, "kda.head_dim": 128, "kda.safe_gate": True,
        "kda.gate_lower_bound": -5.0, "ssm.conv_kernel": 4}
    if s.experts:
        keys |= {"expert_count": s.experts, "expert_used_count": 2,
                 "expert_feed_forward_length": s.expert_ff, "expert_shared_count": 1,
                 "expert_shared_feed_forward_length": s.expert_ff, "expert_gating_func": 2,
                 "expert_weights_scale": 1.0}
    return keys | s.keys


def typed(value):
    if isinstance(value, bool):
        return BOOL, value
    if isinstance(value, float):
        return FLOAT32, value
    if isinstance(value, list):
        return ARRAY, (UINT32, value)
    return UINT32, value


def empty_gguf() -> Gguf:
    model = object.__new__(Gguf)
    model.version, model.keys, model.tensors, model.data = 3, {}, [], bytearray()
    return model


def write_sparse(path: Path, model: Gguf, size: int):
    """The header, then zeros that take no room on the disk."""
    header = model.header()
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(len(header) + size)


def write_model(path: Path, name: str):
    architecture, s, tensors = MODELS[name]
    model = empty_gguf()
    model.set_text("general.architecture", architecture)
    for key, value in usual_keys(s).items():
        model.keys[f"{architecture}.{key}"] = typed(value)
    size = 0
    for tensor, shape in tensors(s):
        plain = len(shape) == 1 or "ffn_gate_inp" in tensor or "conv" in tensor
        model.tensors.append(Tensor(tensor, shape, F32 if plain else BF16, size))
        size += prod(shape) * (4 if plain else 2)
        size += -size % model.alignment()
    write_sparse(path, model, size)


def write_importance(path: Path):
    """An importance matrix of a single tensor that no model has: all that counts is that one is
    there."""
    model = empty_gguf()
    model.set_text("general.type", "imatrix")
    model.keys["imatrix.datasets"] = (ARRAY, (STRING, ["none"]))
    model.set_uint32("imatrix.chunk_count", 1)
    model.set_uint32("imatrix.chunk_size", 512)
    model.tensors = [Tensor("none.weight.in_sum2", [32, 1], F32, 0),
                     Tensor("none.weight.counts", [1, 1], F32, 128)]
    write_sparse(path, model, 160)
