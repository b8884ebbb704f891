"""The kinds of rows in the knowledge table: whose they are and what they hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row.

    Attributes:
        package: the distribution whose releases the row's "in" counts.
        title: what a name of this kind is, for people.
        holds: the other keys of the row.
    """

    package: str
    title: str
    holds: str = ""


KINDS = {
    "activation": Kind("transformers", "activation"),
    "architecture": Kind("transformers", "model class", "types: the model types it is built for; config; heads"),
    "config": Kind("transformers", "configuration class", "fields: defaults, strict types; subs, checks, …"),
    "conversion": Kind("transformers", "tensor names as read", "rules, attribute: pattern, replacement; as: whose"),
    "feature_extractor": Kind("transformers", "feature extractor class"),
    "feature_extractor_map": Kind("transformers", "feature extractor of a model type", "name: its class"),
    "hub_tokenizer_ignored": Kind("transformers", "model type whose tokenizer_class in files is not believed"),
    "image_processor": Kind("transformers", "image processor class"),
    "image_processor_map": Kind("transformers", "image processor of a model type", "slow, fast, torchvision, pil"),
    "import": Kind("transformers", "module that remote code imports", "names: of it, each with its releases"),
    "layer_type": Kind("transformers", "layer type", "of: attention or mlp; now: the name it is read as"),
    "model_type": Kind("transformers", "model type", "config: the configuration class"),
    "nested_type": Kind("transformers", "model type of a sub-config only", "config: the classes that carry it"),
    "peft_behaviour": Kind("peft", "behaviour of PEFT", "value: what it does; without, `in` says since when"),
    "peft_config": Kind("peft", "adapter configuration class", "its fields with their defaults, inherited ones too"),
    "peft_targets": Kind("peft", "default target modules of an adapter method", "modules by model type; base: rest"),
    "peft_type": Kind("peft", "adapter method", "config: the configuration class"),
    "pin": Kind("", "requirement", "value: the specifier; the name is package:dependency"),
    "processor": Kind("transformers", "processor class"),
    "processor_map": Kind("transformers", "processor of a model type", "name: its class"),
    "quantization": Kind("transformers", "quantisation method", "config: the class; quantizer; fields: defaults"),
    "release": Kind("", "package", "all: its releases; yanked: those that were withdrawn"),
    "remote_type": Kind("", "model type of remote code", "loads: what loads it; twin: the type of its converted form"),
    "renamed_type": Kind("", "old name of a model type", "to: what it is called now"),
    "rope_type": Kind("transformers", "rope type", "required, optional: its keys; computed: a function is there"),
    "safetensors_dtype": Kind("safetensors", "dtype", "header: first read; tensor: false when no framework has it"),
    "sglang_architecture": Kind("sglang", "model class that SGLang serves"),
    "sglang_limit": Kind("sglang", "limit on LoRA adapters of SGLang"),
    "tied": Kind("transformers", "model class with tied weights", "keys: tensors, since 5.0 with their source"),
    "tokenizer": Kind("transformers", "tokenizer class"),
    "tokenizer_map": Kind("transformers", "tokenizer of a model type", "slow, fast: the classes; name since 5.0"),
    "tokenizers_component": Kind("tokenizers", "component of tokenizer.json", "else: what other releases do"),
    "tokenizers_key": Kind("tokenizers", "key or form in tokenizer.json", "else: what other releases do"),
    "video_processor": Kind("transformers", "video processor class"),
    "video_processor_map": Kind("transformers", "video processor of a model type", "name: its class"),
    "vllm_architecture": Kind("vllm", "model class that vLLM serves", "last: the last release, as vLLM says"),
    "vllm_config_type": Kind("vllm", "model type that vLLM has a configuration class for"),
    "vllm_limit": Kind("vllm", "limit on LoRA adapters", "default, ranks; value; message of a refused key"),
    "vllm_quantization": Kind("vllm", "quantisation method of vLLM"),
}
