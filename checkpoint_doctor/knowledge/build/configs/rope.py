"""How a configuration class reads and checks its rope parameters, as one word each.

check: "fields" demands a dictionary of exactly type (linear or dynamic) and factor (4.31..4.42), "keys" the keys that
modeling_rope_utils demands of the type (4.43..4.57). fold (5.0+): "flat" the common way, else "own". Then "alias": the
names that the class takes for others.
"""

from __future__ import annotations

import ast
from typing import Any

from checkpoint_doctor.knowledge.build.configs.fields import functions

_VALIDATION = "rope_config_validation(self"
_TWO_FIELDS = "with two fields"


def rope_entries(node: ast.ClassDef) -> dict[str, Any]:
    """The entry "rope": {check, fold, alias}, each only where there is something to say."""
    methods = functions(node)
    found: dict[str, Any] = {}
    init = ast.unparse(methods["__init__"]) if "__init__" in methods else ""
    old = methods.get("_rope_scaling_validation")
    if _VALIDATION in init:
        # Some do it only for one kind of position embedding.
        always = any(isinstance(one, ast.Expr) and _VALIDATION in ast.unparse(one) for one in methods["__init__"].body)
        found["check"] = "keys" if always else "own"
    elif old is not None and "self._rope_scaling_validation()" in init:
        text = ast.unparse(old)
        usual = _TWO_FIELDS in text and "not in ['linear', 'dynamic']" in text and "!= 2" in text
        found["check"] = "fields" if usual else "own"
    fold = methods.get("convert_rope_params_to_dict")
    if fold is not None:
        text = ast.unparse(fold)
        found["fold"] = "flat" if "rope_scaling or self.rope_parameters" in text else "own"
        if "== 'mrope'" in text:
            found["alias"] = {"mrope": "default"}
        elif "['su', 'yarn']" in text:
            found["alias"] = {"su": "longrope", "yarn": "longrope"}
    if {"standardize_rope_params", "validate_rope", "nested_rope_parameter_keys"} & methods.keys():
        found["fold"] = "own"
    return {"rope": found} if found else {}
