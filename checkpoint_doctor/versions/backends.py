"""The packages that transformers asks for before it reads quantised weights, and those that an environment lacks.

From validate_environment of quantizers/quantizer_*.py and the availability checks of utils/import_utils.py, in every
release since 4.38.0. What needs a GPU, or is only used when it is there, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Installed
from checkpoint_doctor.core.versions import VersionSet, pack
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.constraints.quantization import method

V5 = 50000
# Method to (bounds of releases of transformers, what one of must be there).
ACCELERATE = (((43800, 44500), "accelerate>=0.21.0"), ((44500, V5), "accelerate>=0.26.0"), ((V5,), "accelerate>=1.1.0"))
OPTIMUM = (((43200, 44900), "optimum"), ((44900,), "optimum>=1.24.0"))
Needs = tuple[tuple[tuple[int, ...], str], ...]
NEEDS: dict[str, Needs] = {
    "aqlm": (*ACCELERATE, ((43800,), "aqlm")),
    "auto-round": (((45200,), "auto-round>=0.5.0"),),
    "awq": (*ACCELERATE, ((43500, V5), "autoawq"), ((V5,), "gptqmodel")),
    "bitnet": ACCELERATE,
    "bitsandbytes": (*ACCELERATE, ((43000, V5), "bitsandbytes"), ((V5,), "bitsandbytes>=0.46.1")),
    "compressed-tensors": (((44500, 51001), "compressed-tensors"), ((51001,), "compressed-tensors>=0.15.0")),
    "eetq": (*ACCELERATE, ((44100, V5), "eetq"), ((V5,), "kernels")),
    "fbgemm_fp8": (*ACCELERATE, ((44300,), "fbgemm-gpu fbgemm-gpu-genai")),
    "fouroversix": (((50300,), "fouroversix"),),
    "fp8": ACCELERATE,
    "fp_quant": (((45400,), "fp-quant"),),
    "gptq": (
        *OPTIMUM,
        ((43200, 44900), "auto-gptq"),
        ((44900, V5), "gptqmodel>=1.4.3 auto-gptq>=0.4.2"),
        ((V5,), "gptqmodel>=1.4.3"),
    ),
    "higgs": (*ACCELERATE, ((44800,), "flute-kernel")),
    "hqq": (((44100, 44600), "hqq"), ((44600,), "hqq>=0.2.1")),
    "mxfp4": ACCELERATE,
    "quanto": (*ACCELERATE, ((43900, 44700), "quanto optimum-quanto"), ((44700,), "optimum-quanto")),
    "quark": (((45000,), "amd-quark quark"),),
    "sinq": (((50200,), "sinq"),),
    "spqr": (*ACCELERATE, ((44900,), "spqr-quant")),
    "torchao": (((44500, 45000), "torchao"), ((45000, 50400), "torchao>=0.4.0"), ((50400,), "torchao>=0.15.0")),
    "vptq": (*ACCELERATE, ((44800,), "vptq>=0.0.4")),
}


def missing_backends(ckpt: Checkpoint) -> Iterator[tuple[str, str]]:
    """(what the method of the weights needs, what is there of it or "") of an environment that lacks it.

    Only of an environment that was read as a whole: what `--target` does not name may well be there.
    """
    packages = ckpt.environment.packages
    transformers, python = packages.get("transformers"), packages.get("python")
    if transformers is None or transformers.newer or not _one(transformers) or python is None or not _one(python):
        return
    release = transformers.releases.bounds[0]
    for bounds, wanted in NEEDS.get(method(ckpt) or "", ()):
        if release in VersionSet(bounds):
            choices = [tuple(choice.partition(">=")[::2]) for choice in wanted.split()]
            if not any(_meets(packages.get(name), least) for name, least in choices):
                there = [f"{name} {packages[name].text}" for name, _ in choices if name in packages]
                yield wanted.replace(" ", " or "), ", ".join(there)


def _one(found: Installed) -> bool:
    bounds = found.releases.bounds
    return len(bounds) == 2 and bounds[1] == bounds[0] + 1


def _meets(found: Installed | None, least: str) -> bool:
    if found is None:
        return False
    return not least or found.newer or bool(found.releases & VersionSet((pack(least),)))
