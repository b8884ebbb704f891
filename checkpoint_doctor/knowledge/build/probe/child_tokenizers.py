"""Run by old Pythons: reads tokenizer.json documents with the tokenizers of a folder and prints what came of each."""

import json
import sys

sys.path.insert(0, sys.argv[1])
from tokenizers import Tokenizer

found = {}
for name, (document, text, ids) in sorted(json.load(sys.stdin).items()):
    try:
        tokenizer = Tokenizer.from_str(json.dumps(document))
        found[name] = ["read", tokenizer.decode(ids) if ids else tokenizer.encode(text).tokens]
    except BaseException as problem:  # a panic of the library is no Exception
        found[name] = ["refused", str(problem)]
print(json.dumps(found))
