"""What the globals in a torch pickle mean: the allow-list, the dtypes, and descriptions in place of the real objects.

The allow-list is that of `torch.load(weights_only=True)` in torch 2.13 (torch/_weights_only_unpickler.py,
`_get_allowed_globals`); a slow test compares the two. Nothing named here is ever imported or called.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

MAX_DIMENSIONS = 64
MAX_ARGUMENTS = 16

# torch dtype -> (spelling in TensorInfo, bytes per element); no spelling: safetensors has none of the same layout.
DTYPES: dict[str, tuple[str | None, int]] = {
    "float64": ("F64", 8), "float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
    "int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1),
    "uint64": ("U64", 8), "uint32": ("U32", 4), "uint16": ("U16", 2), "uint8": ("U8", 1), "bool": ("BOOL", 1),
    "complex64": ("C64", 8), "complex128": ("C128", 16), "complex32": (None, 4),
    "float8_e4m3fn": ("F8_E4M3", 1), "float8_e5m2": ("F8_E5M2", 1), "float8_e8m0fnu": ("F8_E8M0", 1),
    "float8_e4m3fnuz": ("F8_E4M3FNUZ", 1), "float8_e5m2fnuz": ("F8_E5M2FNUZ", 1), "float4_e2m1fn_x2": (None, 1),
    "qint8": (None, 1), "quint8": (None, 1), "qint32": (None, 4), "quint4x2": (None, 1), "quint2x4": (None, 1),
    "bits8": (None, 1), "bits16": (None, 2), "bits1x8": (None, 1), "bits2x4": (None, 1), "bits4x2": (None, 1),
    **{f"{sign}{bits}": (None, 1) for sign in ("int", "uint") for bits in range(1, 8)},
}  # fmt: skip

_ON_GPU_TOO = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip
_ON_CPU_ONLY = {
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
}  # fmt: skip
UNTYPED = "torch.storage.UntypedStorage"
# storage class -> torch dtype of its elements; an untyped storage counts bytes.
STORAGES: dict[str, str] = {
    **{f"torch.{name}": dtype for name, dtype in {**_ON_GPU_TOO, **_ON_CPU_ONLY}.items()},
    **{f"torch.cuda.{name}": dtype for name, dtype in _ON_GPU_TOO.items()},
    UNTYPED: "uint8",
}
_SPARSE = ("BFloat16", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")
_TENSOR_CLASSES = {
    "torch.Tensor",
    *(f"torch.{place}{kind}Tensor" for place in ("", "cuda.") for kind in (*_SPARSE, "Bool")),
    *(f"torch.{place}sparse.{kind}Tensor" for place in ("", "cuda.") for kind in _SPARSE),
}
_QSCHEMES = (
    "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric",
    "per_channel_affine_float_qparams",
)  # fmt: skip


class Ordered(dict[object, object]):
    """Stands for a collections.OrderedDict, which alone may be given attributes (`_metadata`)."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Global:
    """A name from the pickle, never looked up."""

    name: str


@dataclass(slots=True, eq=False)
class Opaque:
    """A value of no interest to a list of tensors; `name` says what made it."""

    name: str


@dataclass(slots=True, eq=False)
class Storage:
    """A run of bytes that tensors view: `nbytes` from byte `start` of the storage called `key`."""

    key: Hashable
    dtype: str
    start: int
    nbytes: int


@dataclass(slots=True, eq=False)
class Tensor:
    """A tensor as the pickle describes it; offset and strides in elements, strides None for row-major.

    `note` says why its bytes cannot be pointed at ("a sparse tensor"); the other fields then mean nothing.
    """

    storage: Storage | None
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    note: str = ""


def _integers(values: object) -> tuple[int, ...]:
    """Sizes or strides as torch takes them: a short list or tuple of plain ints."""
    if not isinstance(values, (tuple, list)) or len(values) > MAX_DIMENSIONS:
        raise ValueError(f"a shape that is not a tuple of at most {MAX_DIMENSIONS} sizes")
    for value in values:
        if type(value) is not int:
            raise ValueError("a size or stride that is not an integer")
    return tuple(values)


def _tensor(storage: object, offset: object, size: object, stride: object) -> Tensor:
    if not isinstance(storage, Storage) or type(offset) is not int:
        raise ValueError("a tensor that is not rebuilt from a storage and an integer offset")
    strides = None if stride is None else _integers(stride)
    return Tensor(storage, storage.dtype, offset, _integers(size), strides)


def _tensor_v2(
    storage: object, offset: object, size: object, stride: object, grad: object, hooks: object, metadata: object = None
) -> Tensor:
    tensor = _tensor(storage, offset, size, stride)
    if type(grad) is not bool or (metadata is not None and not isinstance(metadata, dict)):
        raise ValueError("a tensor with a flag or with metadata of the wrong type")
    # torch sets these bits for a lazy conjugate or negation: the stored bytes are not the tensor's values.
    if metadata and (metadata.get("conj") or metadata.get("neg")):
        tensor.note = "a lazily conjugated or negated view"
    return tensor


def _tensor_v3(
    storage: object, offset: object, size: object, stride: object, grad: object, hooks: object, dtype: object,
    metadata: object = None,
) -> Tensor:  # fmt: skip
    name = dtype.name[6:] if isinstance(dtype, Global) and dtype.name.startswith("torch.") else ""
    if name not in DTYPES:
        raise ValueError("a tensor whose dtype is not a torch dtype")
    tensor = _tensor_v2(storage, offset, size, stride, grad, hooks, metadata)
    tensor.dtype = name
    return tensor


def _parameter(data: object = None, grad: object = True, hooks: object = None, state: object = None) -> object:
    if not isinstance(data, (Tensor, Opaque)) or type(grad) is not bool:
        raise ValueError("a parameter that is not made from a tensor")
    return data


def _from_type(func: object, new_type: object, args: object, state: object) -> object:
    if not isinstance(func, Global) or not isinstance(args, tuple) or func.name.endswith("_from_type_v2"):
        raise ValueError("a tensor subclass that is not made by a rebuild function")
    return build(func, args)


def _without_bytes(note: str) -> Callable[..., Tensor]:
    return lambda *args: Tensor(None, "", 0, (), None, note)


def _size(sizes: object = ()) -> object:
    return _integers(sizes)


def _opaque(name: str) -> Callable[..., Opaque]:
    return lambda *args: Opaque(name)


_BUILDERS: dict[str, Callable[..., object]] = {
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_qtensor": lambda *args: _tensor(*args[:4]),
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch._utils._rebuild_meta_tensor_no_storage": _without_bytes("a meta tensor, which has no data"),
    "torch._utils._rebuild_sparse_tensor": _without_bytes("a sparse tensor"),
    "torch._utils._rebuild_nested_tensor": _without_bytes("a nested tensor"),
    "torch._utils._rebuild_wrapper_subclass": _without_bytes("a tensor of a wrapper class"),
    "torch._utils._rebuild_device_tensor_from_numpy": _without_bytes("a tensor of another device, saved as an array"),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _without_bytes("a tensor of another device"),
    **{name: _without_bytes("a tensor in the layout of torch before 0.2") for name in _TENSOR_CLASSES},
    "torch.Size": _size,
    **{
        name: _opaque(name)
        for name in (
            "collections.Counter", "torch.device", "torch.serialization._get_layout", "_codecs.encode",
            "builtins.bytearray", "builtins.set", "builtins.complex",
        )
    },
}  # fmt: skip

# Every global that torch.load(weights_only=True) lets a pickle name.
ALLOWED = frozenset(
    {*_BUILDERS, *STORAGES, "collections.OrderedDict", "torch.storage.TypedStorage"}
    | {f"torch.{name}" for name in (*DTYPES, *_QSCHEMES)}
)


def build(function: Global, args: tuple[object, ...]) -> object:
    """Describe what `function(*args)` would make; a forbidden function makes an `Opaque`.

    Raises:
        ValueError, TypeError: torch would not accept the call.
    """
    if function.name not in ALLOWED:
        return Opaque(function.name)
    if function.name not in _BUILDERS or len(args) > MAX_ARGUMENTS:
        raise ValueError(f"a call of {function.name} that torch never writes")
    return _BUILDERS[function.name](*args)
