"""An unknown type with an unknown class: healthy for the package that has both, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, close_names, knowledge, llava, printable, subject_kind

OTHER_LIBRARIES = {"diffusers", "gguf", "keras", "onnx", "adapter-hub", "adapter", "llava-adapter", "mlx"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name, architectures = config.get("model_type"), config.get("architectures")
    architecture = architectures[0] if isinstance(architectures, list) and architectures else None
    if not isinstance(name, str) or not isinstance(architecture, str) or not architecture:
        return
    if knowledge.find("model_type", name) or knowledge.find("architecture", architecture):
        return
    if name in llava.PACKAGE_TYPES or config.get("auto_map") or subject_kind(ckpt) in OTHER_LIBRARIES:
        return
    version, newest = config.get("transformers_version"), knowledge.newest("transformers")
    if isinstance(version, str) and knowledge.release(version) > knowledge.release(newest):
        return
    close = close_names("model_type", name.strip().lower()[:100])
    if not any(_plain(other) == _plain(name) for other in close):
        message = f'model type "{printable(name)}" and class {printable(architecture)} are not of transformers'
        yield Problem(message, "/model_type")


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")
