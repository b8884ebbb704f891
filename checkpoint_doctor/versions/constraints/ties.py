"""The flag that ties the output head of a vision-language model to its embeddings: it moved to the top in 5.0.0."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.model_types import first_architecture
from checkpoint_doctor.versions.sections import sections

FLAG = "tie_word_embeddings"
MOVED = 50000
WITH_HEAD = ("ForConditionalGeneration", "ForCausalLM")


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "tie-flag": the head is not stored, and only the flag at the top says that it is tied.

    Raises:
        FactUnavailable: the flags differ, and the weights cannot be listed.
    """
    config = ckpt.config
    text = config.get("text_config")
    if config.get(FLAG) is not True or not isinstance(text, dict) or text.get(FLAG) is not False:
        return
    top = next(sections(ckpt), None)
    if top is None or not top.releases(before=MOVED) or not first_architecture(config).endswith(WITH_HEAD):
        return
    if not any(name.endswith("lm_head.weight") for name in ckpt.tensors):
        place = ("config.json", f"/text_config/{FLAG}")
        fix = Fix(f"set {FLAG} of text_config to true, too", "safe", (Edit("set", *place, False, True),))
        yield Constraint(
            "transformers", VersionSet((MOVED,)), "tie-flag", f"{FLAG} of text_config says false and there is no "
            "lm_head.weight; the flag at the top is read since 5.0.0", *place, "wrong",
            "the output head stays random (missing keys: lm_head.weight), with a warning only", fix,
        )  # fmt: skip
