"""Start-up as whole processes: CPU time of `--version` and `check` beside a bare interpreter, median of several runs.

    python benchmarks/startup.py [--runs 20]

Prints milliseconds of CPU (user + system) and of wall time, and the ratio to `python -c pass`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LLAVA = ROOT / "fixtures" / "models" / "llava_v16_mistral" / "given" / "llava-v1.6-mistral-7b-task-lora"
LLAMA = ROOT / "fixtures" / "models" / "llama_full" / "given"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "ckpt-doctor --version": ["-m", "checkpoint_doctor", "--version"],
    "ckpt-doctor rules": ["-m", "checkpoint_doctor", "rules"],
    "ckpt-doctor check (LLaVA LoRA)": ["-m", "checkpoint_doctor", "check", str(LLAVA)],
    "ckpt-doctor check (llama)": ["-m", "checkpoint_doctor", "check", str(LLAMA)],
}


def measure(arguments: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of one process."""
    # With the byte code cache that every normal environment has; the first round fills it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for number in range(runs + 1):
        # In turn, so that a change of the machine's speed hits all alike; the first round warms the caches.
        for name, arguments in COMMANDS.items():
            taken = measure(arguments)
            if number:
                times[name].append(taken)
    bare = statistics.median(cpu for cpu, _ in times["python -c pass"])
    print(f"{'':32} {'CPU ms':>8} {'wall ms':>8} {'CPU ratio':>10}")
    for name, taken in times.items():
        cpu, wall = (statistics.median(column) for column in zip(*taken))
        print(f"{name:32} {cpu * 1000:8.0f} {wall * 1000:8.0f} {cpu / bare:10.1f}")


if __name__ == "__main__":
    main()
