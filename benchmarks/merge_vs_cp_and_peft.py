"""Merge a Llama-shaped bf16 model with an all-linear LoRA, and compare with `cp -r` of the base and with PEFT.

    python benchmarks/merge_vs_cp_and_peft.py --out DIR [--size 2.8] [--runs 3] [--peft] [--compare]

Everything is a whole process, in turn, so that a change of the machine's speed hits all alike; the table shows the
median of all runs and each run's wall time. Caches are warm for all of them. Our merge forces its result to the disk
before it ends; `cp -r` does not, so it is also shown with a `sync` of its copy.

--peft adds PEFT's load, merge and save on the CPU (needs torch, transformers, peft, and the model's size in memory).
--compare checks our bits against a float32 merge in torch, tensor by tensor. DIR needs three times the size.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HIDDEN, INNER, HEADS, KV_HEADS, VOCAB, RANK = 2048, 5632, 32, 4, 32000, 16
LINEARS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (HIDDEN // HEADS * KV_HEADS, HIDDEN),
    "self_attn.v_proj": (HIDDEN // HEADS * KV_HEADS, HIDDEN), "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN), "mlp.down_proj": (HIDDEN, INNER),
}  # fmt: skip
PEFT = """
import sys, torch, transformers, peft
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.bfloat16)
model = peft.PeftModel.from_pretrained(model, sys.argv[2]).merge_and_unload()
model.save_pretrained(sys.argv[3])
"""
MAKE = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
import merge_vs_cp_and_peft as bench
bench.make(pathlib.Path(sys.argv[2]), float(sys.argv[3]))
"""


def shapes(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "lm_head.weight", (VOCAB, HIDDEN)
    yield "model.embed_tokens.weight", (VOCAB, HIDDEN)
    for layer in range(layers):
        for leaf, shape in LINEARS.items():
            yield f"model.layers.{layer}.{leaf}.weight", shape
        for leaf in ("input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{layer}.{leaf}.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)


def write_safetensors(path: Path, tensors: list[tuple[str, tuple[int, ...]]], dtype: str) -> None:
    """Normal values, a pool of 64 MB at changing offsets, so that making them costs little."""
    import ml_dtypes
    import numpy as np

    pool = (np.random.default_rng(0).standard_normal(16 << 20) * 0.02).astype(np.float32)
    raw = memoryview((pool.astype(ml_dtypes.bfloat16) if dtype == "BF16" else pool).view(np.uint8))
    size, header, offset = 2 if dtype == "BF16" else 4, {}, 0
    for name, shape in tensors:
        count = size
        for dimension in shape:
            count *= dimension
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + count]}
        offset += count
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for number, entry in enumerate(header.values()):
            begin, end = entry["data_offsets"]
            start = number * 123_456 * size % (len(raw) // 2)
            while begin < end:
                piece = raw[start : start + min(end - begin, len(raw) - start)]
                stream.write(piece)
                begin, start = begin + len(piece), 0


def make(folder: Path, gigabytes: float) -> None:
    """folder/base and folder/adapter."""
    per_layer = sum(out * into for out, into in LINEARS.values()) * 2
    layers = max(1, round((gigabytes * 1e9 - 4 * VOCAB * HIDDEN) / per_layer))
    (folder / "base").mkdir(parents=True)
    (folder / "adapter").mkdir()
    write_safetensors(folder / "base" / "model.safetensors", list(shapes(layers)), "BF16")
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_hidden_layers": layers, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "vocab_size": VOCAB, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    (folder / "base" / "config.json").write_text(json.dumps(config, indent=2))
    factors: list[tuple[str, tuple[int, ...]]] = []
    for layer in range(layers):
        for leaf, (out, into) in LINEARS.items():
            name = f"base_model.model.model.layers.{layer}.{leaf}"
            factors += [(f"{name}.lora_A.weight", (RANK, into)), (f"{name}.lora_B.weight", (out, RANK))]
    write_safetensors(folder / "adapter" / "adapter_model.safetensors", factors, "F32")
    adapter = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "../base", "r": RANK,
        "lora_alpha": 2 * RANK, "target_modules": sorted(name.rpartition(".")[2] for name in LINEARS), "bias": "none",
    }  # fmt: skip
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(adapter, indent=2))


def measure(command: list[str]) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, peak MB) of one process and its children."""
    start = time.perf_counter()
    # A kernel that OPENBLAS_CORETYPE forces may round the last bit of a product differently from the machine's own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=environment)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} failed: {errors.decode()[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(folder: Path) -> str:
    """Our bits against float32 in torch."""
    import torch
    from safetensors import safe_open

    values = different = 0
    paths = [folder / "base" / "model.safetensors", folder / "adapter" / "adapter_model.safetensors"]
    with (
        safe_open(paths[0], "pt") as base,
        safe_open(paths[1], "pt") as adapter,
        safe_open(folder / "ours" / "model.safetensors", "pt") as ours,
    ):
        held = set(adapter.keys())
        for name in base.keys():  # noqa: SIM118
            wanted, key = base.get_tensor(name), f"base_model.model.{name.removesuffix('.weight')}"
            if f"{key}.lora_A.weight" in held:
                a, b = (adapter.get_tensor(f"{key}.lora_{side}.weight") for side in "AB")
                wanted = (wanted.float() + b @ a * 2.0).to(torch.bfloat16)
            values += wanted.numel()
            different += int((wanted.view(torch.int16) != ours.get_tensor(name).view(torch.int16)).sum())
    return f"{different} of {values} values differ from a float32 merge in torch"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--size", type=float, default=2.8, help="of the base, in GB")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peft", action="store_true")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    folder = (options.out / f"merge-{options.size:g}").resolve()
    # In a process of its own: the kernel counts this one's peak memory in those of its children.
    subprocess.run([sys.executable, "-c", MAKE, str(ROOT / "benchmarks"), str(folder), str(options.size)], check=True)
    base, adapter, ours = folder / "base", folder / "adapter", folder / "ours"
    copy = folder / "copy"
    merge = ["-m", "checkpoint_doctor", "fix", "--merge", adapter, "--base", base, "--out", ours, "--quiet"]
    commands: dict[str, tuple[list[str], Path]] = {
        "cp -r": (["cp", "-r", str(base), str(copy)], copy),
        "cp -r and sync": (
            ["sh", "-c", 'cp -r "$0" "$1" && sync "$1"/*', str(base), str(folder / "copy")],
            folder / "copy",
        ),
        "ckpt-doctor": ([sys.executable, *map(str, merge)], ours),
    }
    if options.peft:
        script = [sys.executable, "-c", PEFT, str(base), str(adapter), str(folder / "peft")]
        commands["PEFT"] = (script, folder / "peft")
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    try:
        for _ in range(options.runs):
            for name, (command, target) in commands.items():
                shutil.rmtree(target, ignore_errors=True)
                os.sync()
                taken[name].append(measure(command))
                if target != ours:
                    shutil.rmtree(target)
        size = (base / "model.safetensors").stat().st_size / 1e9
        print(f"{size:.2f} GB bf16, r={RANK} on all linears, {os.cpu_count()} cores, median of {options.runs}")
        print(f"{'':16}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}{'vs cp':>7}  runs")
        median = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in taken.items()}
        for name, (wall, cpu, peak) in median.items():
            runs = " ".join(f"{row[0]:.2f}" for row in taken[name])
            print(f"{name:16}{wall:8.2f}{cpu:8.2f}{peak:9.0f}{wall / median['cp -r'][0]:7.2f}  {runs}")
        if options.peft:
            print(f"PEFT takes {median['PEFT'][0] / median['ckpt-doctor'][0]:.1f} times as long as ckpt-doctor")
        if options.compare:
            print(compare(folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
