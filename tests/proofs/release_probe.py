"""Run by the interpreter of another environment: what its transformers does with directories. Imports nothing of ours.

    python release_probe.py '[["tokenizer", "/path"], ...]'

prints a JSON list with one object for each: {"error": "Type: text"}, or what was seen.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="critical")


def tokenizer(path: str) -> dict[str, Any]:
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(path)
    ids = found("w3 w5 w9 <s>", add_special_tokens=False)["input_ids"]
    return {
        "special": sorted(found.all_special_tokens),
        "ids": ids,
        "plain": found.decode(ids, skip_special_tokens=True),
    }


def template(path: str) -> dict[str, Any]:
    from transformers import AutoTokenizer

    messages = [{"role": "user", "content": "hi"}]
    return {"text": AutoTokenizer.from_pretrained(path).apply_chat_template(messages, tokenize=False)}


def image_processor(path: str) -> dict[str, Any]:
    from transformers import AutoImageProcessor

    return {"class": type(AutoImageProcessor.from_pretrained(path)).__name__}


def feature_extractor(path: str) -> dict[str, Any]:
    from transformers import AutoFeatureExtractor

    return {"class": type(AutoFeatureExtractor.from_pretrained(path)).__name__}


def processor(path: str) -> dict[str, Any]:
    from transformers import AutoProcessor

    return {"class": type(AutoProcessor.from_pretrained(path)).__name__}


def model(path: str) -> dict[str, Any]:
    """The first architecture of config.json: how many tensors are missing, that is random."""
    import transformers

    with open(os.path.join(path, "config.json")) as file:
        cls = getattr(transformers, json.load(file)["architectures"][0])
    _, info = cls.from_pretrained(path, output_loading_info=True)
    return {name: len(info[name]) for name in ("missing_keys", "unexpected_keys")}


TASKS: dict[str, Callable[[str], dict[str, Any]]] = {
    function.__name__: function
    for function in (tokenizer, template, image_processor, feature_extractor, processor, model)
}


def main() -> None:
    results = []
    for task, path in json.loads(sys.argv[1]):
        try:
            results.append(TASKS[task](path))
        except BaseException as problem:
            results.append({"error": f"{type(problem).__name__}: {problem}"})
    print("\n" + json.dumps(results))


if __name__ == "__main__":
    main()
