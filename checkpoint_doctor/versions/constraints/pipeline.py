"""model_index.json of a diffusers pipeline: the classes of transformers that its components are looked up by."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import NONE, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.pipeline import INDEX_FILE, Component, components
from checkpoint_doctor.knowledge import lookup

KINDS = ("architecture", "tokenizer", "processor", "image_processor", "feature_extractor", "video_processor")
# diffusers/utils/deprecation_utils.py (0.36.0 and later) takes the class that they were renamed to.
TRANSLATED = ("CLIPFeatureExtractor",)
# Since 5.0.0 a name that ends in Fast stands for the class without it.
ONE_TOKENIZER = VersionSet((50000,))


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "pipeline-class", and "pipeline-class-renamed" for one that newer diffusers translate."""
    if not ckpt.has(INDEX_FILE):
        return
    for component in components(ckpt):
        known = releases_with(component.cls) if component.library == "transformers" else NONE
        if not known or known.bounds == (lookup.releases("transformers")[0],):
            continue
        reason = f"{component.name} is a {component.cls}, which came with {dotted(known.bounds[0])}"
        if len(known.bounds) > 1:
            reason += f" and was removed in {dotted(known.bounds[1])}"
        happens = (
            f"DiffusionPipeline.from_pretrained raises AttributeError: no {component.cls} in transformers {{have}}"
        )
        translated = component.cls in TRANSLATED
        yield Constraint(
            "transformers",
            known,
            "pipeline-class-renamed" if translated else "pipeline-class",
            reason,
            INDEX_FILE,
            f"/{component.name}/1",
            "differs" if translated else "fails",
            f"diffusers before 0.36.0: {happens}" if translated else happens,
            _rename(component),
        )


def _rename(component: Component) -> Fix | None:
    """The vision feature extractors were image processors under an older name, until 5.0.0 removed them."""
    new = component.cls.removesuffix("FeatureExtractor") + "ImageProcessor"
    if not component.cls.endswith("FeatureExtractor") or lookup.find("image_processor", new) is None:
        return None
    edit = Edit("set", INDEX_FILE, f"/{component.name}/1", component.cls, new)
    return Fix(f"call the {component.name} {new}, as transformers does since 4.25.0", "safe", (edit,))


def releases_with(cls: str) -> VersionSet:
    """The releases of transformers that have a class of this name."""
    known = NONE
    for kind in KINDS:
        known |= lookup.since(kind, cls) or NONE
        if cls.endswith("Fast"):
            known |= (lookup.since(kind, cls.removesuffix("Fast")) or NONE) & ONE_TOKENIZER
    return known
