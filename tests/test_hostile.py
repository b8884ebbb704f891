"""A stranger's checkpoint: nothing in it runs, nothing outside of it is read, and no output drives a terminal.

The first part watches whole processes through Python's audit events; the second feeds texts that cost or confuse.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

import kit
from checkpoint_doctor import cli

ROOT = Path(__file__).resolve().parents[1]
PROBE = """
import json, os, sys
events = []
def hook(name, args):
    if name == "open":
        events.append([name, os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else "", args[2] or 0])
    elif name == "exec":
        events.append([name, getattr(args[0], "co_filename", ""), 0])
    elif name in ("os.listdir", "os.scandir", "import", "ctypes.dlopen") or name.split(".")[0] in WATCHED:
        events.append([name, str(args[1] if name == "import" else args[0]) if args else "", 0])
WATCHED = ("subprocess", "socket", "pickle", "pty", "shutil", "urllib", "http", "webbrowser", "tempfile")
CHANGES = {"os." + name for name in (
    "system exec fork forkpty posix_spawn spawn startfile remove rename rmdir mkdir chmod chown link symlink truncate "
    "utime putenv kill").split()}
def both(name, args):
    if name in CHANGES:
        events.append([name, str(args[0]) if args else "", 0])
    hook(name, args)
sys.addaudithook(both)
from checkpoint_doctor.cli import run
sink, arguments = sys.argv[1], sys.argv[2:]
out = sys.stdout
sys.stdout = open(os.devnull, "w")
status = run(arguments)
sys.stdout = out
print(json.dumps([status, events]))
"""
# What moves, hides or colours text on a terminal.
DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
EVIL = "a\n\x1b[31mred\x1b]0;t\x07\u202eabc\x9b2J"
TRAP = "open({!r}, 'w').close()\n"


class Boom:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def hostile(folder: Path, trap: Path) -> None:
    """An adapter beside a model, with everything in it that somebody might run, import, unpickle or follow."""
    kit.llama(folder)
    kit.lora(folder, base="../../../../../../etc")
    outside = folder.parent / "outside"
    kit.llama(outside)
    code = TRAP.format(str(trap))
    names = "sitecustomize usercustomize conftest setup click json re jsonschema check modeling_evil checkpoint_doctor"
    for name in names.split():
        (folder / f"{name}.py").write_text(code)
    (folder / "evil.pth").write_text(f"import os; os.mkdir({str(trap)!r})\n")
    for package in ("jsonschema", "click", "rules"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(code)
    room = folder / "rules" / "config" / "cfg001_missing_model_type"
    room.mkdir(parents=True)
    (room / "check.py").write_text(code)
    (room / "rule.json").write_text("{}")
    for name in ("ckpt-doctor.toml", "pyproject.toml", "setup.cfg", "tox.ini"):
        (folder / name).write_text('[tool.ckpt-doctor]\nplugins = ["click.py"]\nrules = "rules"\n')
    bomb = pickle.dumps(Boom(trap), 2)
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "evil.pkl", "non_lora_trainables.bin"):
        (folder / name).write_bytes(bomb)
    with zipfile.ZipFile(folder / "adapter_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", bomb)
        archive.writestr("archive/version", "3\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "auto_map": {"AutoModel": "modeling_evil.Model", "AutoConfig": "../outside/x.Y"},
        "_name_or_path": str(outside),
        "mm_vision_tower": str(outside),
    }
    kit.write_json(folder / "config.json", config)
    (folder / "model.safetensors").unlink()
    weight_map = {"a": "../outside/model.safetensors", "b": str(outside / "model.safetensors"), "c": "in/model.bin"}
    kit.write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})
    (folder / "in").symlink_to(outside)
    for name in ("tokenizer.json", "generation_config.json", "special_tokens_map.json", "model-00001.safetensors"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(outside / "config.json")
    (folder / "preprocessor_config.json").symlink_to("/etc/passwd")
    (folder / "chat_template.json").symlink_to("/dev/zero")


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--no-base"],
        ["check", "--no-base", "--preview", "--format", "json"],
        ["check"],
        ["fix", "--no-base", "--dry-run", "--unsafe"],
    ],
    ids=" ".join,
)
def test_nothing_runs_and_nothing_outside_is_read(tmp_path: Path, arguments: list[str]) -> None:
    folder, trap = tmp_path / "hostile", tmp_path / "trap"
    hostile(folder, trap)
    probe = tmp_path / "bin" / "probe.py"
    kit.write_bytes(probe, PROBE.encode())
    cache = tmp_path / "cache"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "HF_HOME": str(cache)}
    command, *options = arguments
    done = subprocess.run(
        [sys.executable, str(probe), "-", command, ".", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    status, events = json.loads(done.stdout)
    assert status == 1 and not trap.exists()
    ours = {os.path.realpath(path) for path in (ROOT / "checkpoint_doctor", ROOT / "rules", *_python_paths(), probe)}
    for name, value, flags in events:
        if name == "open" and not os.path.isabs(value) and value:
            # Opened from a directory that is held open already: one step, and never through a link.
            assert "/" not in value and value != ".." and flags & os.O_NOFOLLOW, (name, value)
        elif name in ("open", "os.listdir", "os.scandir") and value not in ("", ".", os.devnull):
            real = os.path.realpath(os.path.join(folder, value))
            inside = real == str(folder) or real.startswith(f"{folder}{os.sep}")
            assert inside or any(real == path or real.startswith(path + os.sep) for path in ours), (name, value)
        elif name in ("exec", "import"):
            assert (
                not os.path.abspath(os.path.join(folder, value)).startswith(str(folder))
                or value
                in (
                    "",
                    "<string>",
                    "None",
                )
                or value.startswith("<")
            ), (name, value)
        else:
            assert name in ("open", "os.listdir", "os.scandir"), (name, value)


def _python_paths() -> list[str]:
    return [*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, sysconfig.get_paths()["stdlib"]]


@pytest.mark.parametrize("way", ["script", "module"])
def test_the_working_directory_brings_no_modules(tmp_path: Path, way: str) -> None:
    """The console script has its own folder on sys.path; `python -m` would have had the checkpoint's."""
    folder, trap = tmp_path / "hostile", tmp_path / "trap"
    hostile(folder, trap)
    # Python finds the package itself before it asks us: this one cannot be kept off, except by `python -P`.
    (folder / "checkpoint_doctor.py").unlink()
    script = tmp_path / "bin" / "ckpt-doctor"
    kit.write_bytes(script, b"import sys\nfrom checkpoint_doctor.cli import entry\nsys.exit(entry())\n")
    command = [str(script)] if way == "script" else ["-m", "checkpoint_doctor"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # sitecustomize is asked for by the interpreter itself, before the directory of the script is on the path.
    done = subprocess.run(
        [sys.executable, *command, "check", ".", "--no-base"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 1, done.stderr
    assert not trap.exists()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit status and all output, which is proven to be harmless first; JSON also to be JSON."""
    status = cli.run([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert status in (0, 1, 2), out + err
    assert not DRIVES.search(out) and not DRIVES.search(err)
    assert len(err.splitlines()) <= 2 and "Traceback" not in err
    if "json" in arguments and status != 2:
        json.loads(out, parse_constant=lambda name: pytest.fail(name))
        assert out.isascii()
    assert len(out) < 1_000_000
    return status, out + err


def both(capsys: pytest.CaptureFixture[str], folder: Path | str) -> str:
    text = run(capsys, "check", folder, "--no-base")[1]
    run(capsys, "check", folder, "--no-base", "--format", "json")
    return text


ATTACK = b"cos\nsystem\nX\x02\0\0\0id\x85R."
EVASIONS = {
    "plain": b"\x80\x02" + ATTACK,
    "many steps": b"\x80\x02" + b"N0" * 1_600_000 + ATTACK,
    "deep": b"\x80\x02" + b"(" * 10_001 + b"1" * 10_001 + ATTACK,
    "long integer": b"\x80\x02\x8b" + (300).to_bytes(4, "little") + b"\1" * 300 + b"0" + ATTACK,
    "half a surrogate pair": b"\x80\x02X\3\0\0\0\xed\xa0\x800" + ATTACK,
    "index with spaces": b"\x80\x02Np 1_0 \n0" + ATTACK,
    "index with zeros": b"\x80\x02Np" + b"0" * 2000 + b"1\n0" + ATTACK,
    "big": b"\x80\x02B" + (1 << 26).to_bytes(4, "little") + bytes(1 << 26) + b"0" + ATTACK,
    "no protocol, no end": ATTACK[:-1] + b"\xff",
    "no protocol, many steps": b"N0" * 1_600_000 + ATTACK,
    "dotted": b"\x80\x04\x8c\x06shutil\x8c\x09os.system\x93X\x02\0\0\0id\x85R.",
    "held by another module": b"\x80\x04\x8c\x09tokenizer\x8c\x09os.system\x93X\x02\0\0\0id\x85R.",
}  # fmt: skip


class Recorder(pickle.Unpickler):
    """Python's own machine, with every name taken for a function that does nothing."""

    names: list[str]

    def find_class(self, module: str, name: str) -> Any:
        self.names.append(f"{module}.{name}")
        return lambda *_: None


@pytest.mark.parametrize("name", EVASIONS)
@pytest.mark.parametrize("file", ["pytorch_model.bin", "optimizer.pt", "x.pkl"])
def test_an_attack_is_seen_or_the_file_is_not_called_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, file: str
) -> None:
    unpickler = Recorder(io.BytesIO(EVASIONS[name]))
    unpickler.names = []
    with contextlib.suppress(pickle.UnpicklingError):
        unpickler.load()
    assert unpickler.names, "Python itself gets that far"
    kit.llama(tmp_path / "m")
    (tmp_path / "m" / file).write_bytes(EVASIONS[name])
    text = both(capsys, tmp_path / "m")
    unread = "could not look" in text and "SEC001" in text.partition("could not look")[2]
    assert unread if name.endswith(("many steps", "big")) else "error[SEC001]" in text, text


VALUES = [
    "NaN", "-Infinity", "1e400", "9" * 4000, "-0", "true", "null", "[]", '"\\ud800"', json.dumps(EVIL), "[NaN]",
    '{"type": NaN, "factor": Infinity}', "[" * 490 + "NaN" + "]" * 490, '"' + "a" * 100_000 + '"', '{"\\udfff": 1e999}',
]  # fmt: skip
KEYS = {
    "config.json": (
        "model_type", "architectures", "vocab_size", "rope_scaling", "quantization_config", "torch_dtype",
        "num_hidden_layers", "auto_map", "layer_types", "text_config",
    ),
    "adapter_config.json": (
        "peft_type", "r", "lora_alpha", "lora_dropout", "target_modules", "rank_pattern", "modules_to_save",
        "base_model_name_or_path", "task_type", "layers_to_transform", "target_parameters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:12])
def test_values_of_any_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str) -> None:
    kit.llama(tmp_path / "m")
    kit.lora(tmp_path / "m", base="nowhere")
    for file, keys in KEYS.items():
        path = tmp_path / "m" / file
        sound = path.read_bytes()
        plain = json.loads(sound)
        for key in keys:
            members = [f"{json.dumps(name)}: {json.dumps(held)}" for name, held in plain.items() if name != key]
            path.write_text("{" + ", ".join([*members, f'"{key}": {value}']) + "}")
            both(capsys, tmp_path / "m")
            run(capsys, "fix", tmp_path / "m", "--no-base", "--dry-run", "--unsafe", "--format", "json")
        path.write_bytes(sound)


def test_names_do_not_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / (EVIL + "dir")
    kit.llama(folder)
    for name in (f"{EVIL}.bin", f"model-00001-of-00002{EVIL}.safetensors", "\udcff.pt", "-rf", "$(id).bin"):
        (folder / name).write_bytes(pickle.dumps(Boom(tmp_path), 2))
    both(capsys, folder)
    for words in (
        ("check", f"{EVIL}absent"),
        ("check", folder, "--base", f"{EVIL}absent"),
        ("check", folder, "--select", EVIL),
        ("check", folder, f"--{EVIL}"),
        ("fix", "--merge", folder, "--max-memory", EVIL),
        ("explain", EVIL),
        (EVIL,),
        ("check", "x" * 300),
        ("check", "\udcff"),
    ):
        assert run(capsys, *words)[0] == 2


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "outside"])
def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "secret").write_text('{"model_type": "secret"}')
    for file in (*KEYS, "model.safetensors", "pytorch_model.bin", "adapter_model.bin", "tokenizer.json", "merges.txt"):
        path = tmp_path / "m" / file
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to(path if kind == "loop" else tmp_path / "secret")
    assert "secret" not in both(capsys, tmp_path / "m").replace(str(tmp_path / "secret"), "")


BOMBS: dict[str, tuple[str, bytes]] = {
    "brackets": ("config.json", b"[" * 5_000_000),
    "empty lists": ("config.json", b"[" + b"[]," * 1_700_000 + b"[]]"),
    "equal keys": ("config.json", b"{" + b'"a":1,' * 1_000_000 + b'"a":1}'),
    "not numbers": ("tokenizer.json", b"[" + b"NaN," * 1_000_000 + b"1]"),
    "control characters": ("config.json", b'{"model_type":"' + b"\1" * 5_000_000 + b'"}'),
    "comments": ("config.json", b"//\n" * 2_000_000 + b"{}"),
    "conflicts": ("config.json", b'{"a":1,\n' + b"<<<<<<< x\n=======\n>>>>>>> y\n" * 200_000),
    "one string": ("config.json", b'{"model_type":"' + b"a" * 5_000_000 + b'"}'),
    "digits": ("config.json", b'{"vocab_size":' + b"9" * 5_000_000 + b"}"),
    "line feeds": ("config.json", b'{"model_type":\n"llama"' + b"\n" * 5_000_000 + b"}"),
    "peft types": ("adapter_config.json", b'{"peft_type":"' + b"LORA" * 1_000_000 + b'"}'),
    "shards": (
        "model.safetensors.index.json",
        b'{"weight_map":{' + b",".join(b'"%d":"../%d"' % (number, number) for number in range(100_000)) + b"}}",
    ),
    "regex": (
        "adapter_config.json",
        json.dumps(
            kit.lora_config(target_modules="(a+)+$", rank_pattern={"(.*)*x": 1}, exclude_modules="x*" * 99)
        ).encode(),
    ),
}  # fmt: skip


def header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


ENTRY = b'"%x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
HEADERS = {
    "empty lists": b'{"a":[' + b"[]," * 1_500_000 + b"[]]}",
    "tensors": b"{" + b",".join(ENTRY % number for number in range(400_000)) + b"}",
    "dimensions": b'{"a":{"dtype":"F32","shape":[' + b"1," * 1_000_000 + b'0],"data_offsets":[0,0]}}',
    "overflow": b'{"a":{"dtype":"F32","shape":[' + b"9223372036854775808," * 60 + b'1],"data_offsets":[0,0]}}',
}
BOMBS |= {f"header of {name}": ("model.safetensors", header(text)) for name, text in HEADERS.items()}


SLOW = ("header of tensors", "conflicts", "equal keys", "not numbers", "comments")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in BOMBS])
def test_bombs_cost_little(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Each is a few megabytes and took minutes, gigabytes or an error of ours before it was bounded."""
    file, data = BOMBS[name]
    kit.llama(tmp_path / "m")
    kit.lora(tmp_path / "m", base=None)
    (tmp_path / "m" / file).write_bytes(data)
    start = time.process_time()
    both(capsys, tmp_path / "m")
    assert time.process_time() - start < 60  # a fuse, not a measurement
