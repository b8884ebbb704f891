"""Make the throw-away environments that the knowledge table is compared with, by pip.

    python benchmarks/agreement/environments.py FOLDER [NAME …] [--find-links DIR] [--torch SITE_PACKAGES]

Each environment has one release of transformers, or one of peft with a transformers of its time. torch is large and
nothing here depends on its release, so all environments see that of another one (`--torch`, by default the one this
runs in) behind their own packages. An environment that is there already is left alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

# Without these some entries of the tables are None or dummies.
EXTRAS = ["sentencepiece", "protobuf", "pillow"]
TRANSFORMERS = {
    "4.36.2": ["numpy<2"],
    "4.46.3": ["numpy<2"],
    "4.57.6": [],
    "5.0.0": [],
    "5.6.0": [],
    "5.23.0": [],
}
PEFT = {
    "0.5.0": ["transformers==4.36.2", "accelerate==0.25.0", "numpy<2"],
    "0.9.0": ["transformers==4.38.2", "accelerate==0.27.2", "numpy<2"],
    "0.13.2": ["transformers==4.46.3", "accelerate==1.0.1", "numpy<2"],
    "0.18.0": ["transformers==4.57.6", "accelerate==1.11.0"],
    "0.21.2": ["transformers==5.23.0", "accelerate"],
}


def requirements() -> dict[str, list[str]]:
    """What to install, by the environment's name."""
    wanted = {
        f"transformers-{release}": [f"transformers=={release}", *EXTRAS, *more]
        for release, more in TRANSFORMERS.items()
    }
    return wanted | {f"peft-{release}": [f"peft=={release}", *more] for release, more in PEFT.items()}


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def make(folder: Path, wanted: list[str], find_links: list[str], torch: Path) -> None:
    """One environment; it gets its name only when it is whole.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    venv.create(folder, with_pip=False)
    python = python_of(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q"]
    for links in find_links:
        pip += ["--find-links", links]
    # peft and accelerate require torch, which is not installed again: what else they need first, then they alone.
    alone = [one for one in wanted if one.startswith(("peft", "accelerate"))]
    subprocess.run([*pip, "psutil", *(one for one in wanted if one not in alone)], check=True)
    if alone:
        subprocess.run([*pip, "--no-deps", *alone], check=True)
    site = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(site, "torch_of_another.pth").write_text(f"{torch}\n")
    (folder / "whole").touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="for example peft-0.5.0; all by default")
    parser.add_argument("--find-links", action="append", default=[], help="a folder of wheels to look into first")
    parser.add_argument("--torch", type=Path, default=Path(sysconfig.get_path("purelib")))
    arguments = parser.parse_args()
    for name, wanted in requirements().items():
        if (arguments.names and name not in arguments.names) or (arguments.folder / name / "whole").exists():
            continue
        print(name, *wanted, flush=True)
        make(arguments.folder / name, wanted, arguments.find_links, arguments.torch.resolve())


if __name__ == "__main__":
    main()
