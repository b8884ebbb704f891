"""What version knowledge costs: look-ups, the look at what is installed, the version part of a check, and the size.

    python benchmarks/knowledge.py [--runs 15] [--before CHECKOUT]

Prints milliseconds of CPU in fresh interpreters, the fastest and the median of several runs, what `check` costs as a
whole process beside an older checkout (one from before there was version knowledge), and the size of the table as it
lies in a wheel; each with its target.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LLAMA = ROOT / "fixtures" / "models" / "llama_full" / "given"
LLAVA = ROOT / "fixtures" / "models" / "llava_v16_mistral" / "given" / "llava-v1.6-mistral-7b-task-lora"
DATA = ROOT / "checkpoint_doctor" / "knowledge" / "data"
TARGETS = {"first look-up": 0.3}
# Name to what is imported before, and what is measured.
PARTS = {
    "first look-up": (
        "import json; from checkpoint_doctor.knowledge import lookup",
        "lookup.find('model_type', 'qwen3_vl')",
    ),
    "25 look-ups": (
        "import json; from checkpoint_doctor.knowledge import lookup; names = ['llama', 'clip', 'gpt2', 'bert', 'x']",
        "[lookup.find(k, n) for k in ('model_type', 'tokenizer_map', 'config', 'rope_type', 'pin') for n in names]",
    ),
    "what is installed": (
        "from checkpoint_doctor.versions import environment",
        "environment.installed()",
    ),
    "import of the constraints": (
        "from checkpoint_doctor import api; from checkpoint_doctor.versions import constraints\n"
        f"c = api.open_checkpoint({str(LLAMA)!r}); c.config; c.known_tensors; c.adapter",
        "list(constraints.modules(c))",
    ),
    "what loads a llama, first time": (
        "from checkpoint_doctor import api; from checkpoint_doctor.versions import constraints, solve\n"
        f"c = api.open_checkpoint({str(LLAMA)!r}); c.config; c.known_tensors; list(constraints.modules(c))",
        "solve.loads_with(c)",
    ),
    "what loads a llama, once more": (
        "from checkpoint_doctor import api; from checkpoint_doctor.versions import solve\n"
        f"o = lambda: api.open_checkpoint({str(LLAMA)!r}); solve.loads_with(o()); c = o(); c.config; c.known_tensors",
        "solve.loads_with(c)",
    ),
}


def measure(before: str, code: str) -> float:
    """Milliseconds of CPU of one piece of code in a fresh interpreter."""
    program = f"import time\n{before}\nt = time.process_time_ns()\n{code}\nprint(time.process_time_ns() - t)"
    # With the byte code cache that every normal environment has; the first round fills it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    return int(done.stdout) / 1e6


CHECKED = {"llama": LLAMA, "LLaVA LoRA": LLAVA}


def check(checkout: Path, fixture: Path) -> float:
    """Milliseconds of CPU of one whole `ckpt-doctor check`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(checkout)
    process = subprocess.Popen(
        [sys.executable, "-m", "checkpoint_doctor", "check", str(fixture)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=checkout, env=environment,
    )  # fmt: skip
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return (usage.ru_utime + usage.ru_stime) * 1000


def compared(before: Path, runs: int) -> None:
    """`check` of two fixtures with the two checkouts in turn, so that a change of the machine's speed hits both."""
    print(f"\n{'check, ms of CPU':34}{'before':>10}{'now':>10}{'more':>10}{'ratio':>8}   target: 5 ms more at most")
    for name, fixture in CHECKED.items():
        times: dict[Path, list[float]] = {before: [], ROOT: []}
        for number in range(runs + 1):
            for checkout, taken in times.items():
                once = check(checkout, fixture)
                if number:  # the first round fills the byte code caches
                    taken.append(once)
        old, new = statistics.median(times[before]), statistics.median(times[ROOT])
        print(f"{name:34}{old:10.1f}{new:10.1f}{new - old:10.1f}{new / old:8.2f}")


def zipped() -> int:
    """Bytes that the tables take in a wheel."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(DATA.glob("*.tsv")):
            archive.write(path, path.name)
    return len(memory.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--before", type=Path, help="a checkout to compare `check` with")
    arguments = parser.parse_args()
    runs = arguments.runs
    print(f"{'ms of CPU':34}{'fastest':>10}{'median':>10}   target")
    for name, (before, code) in PARTS.items():
        times = [measure(before, code) for _ in range(runs)]
        target = f"   {TARGETS[name]}" if name in TARGETS else ""
        print(f"{name:34}{min(times):10.2f}{statistics.median(times):10.2f}{target}")
    if arguments.before:
        compared(arguments.before.resolve(), runs)
    plain = sum(path.stat().st_size for path in DATA.glob("*.tsv"))
    print(f"\ntable: {plain / 1000:.0f} kB, {zipped() / 1000:.0f} kB zipped as in a wheel   target: 300 kB")


if __name__ == "__main__":
    main()
