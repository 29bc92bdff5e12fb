"""The folder where compiled kernels are kept, and the cache that numba's dispatchers talk to.

The folder is private to the user; its name is a hash over every kernel source file, the versions of
numba, llvmlite, numpy and Python, the compiler's settings and the processor, so that code that was
compiled from other sources or for another machine is never found.  Each entry has a name that also
covers the function's bytecode and, recursively, everything the function refers to by name: helpers
that live outside this package (in a plug-in, say) take part as well.

The cache can only save time.  A damaged entry is a miss and is written anew, a folder that cannot
be written or that others could write to is not used, and no global numba setting is touched.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import secrets
import shutil
import stat
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numba
import numpy as np
from numba.core import caching, codegen, compiler, config, runtime

from ecs_market.kernels import linked

# Numba's annotations differ from version to version, and these parts have none.
_config: Any = config
_codegen: Any = codegen
_caching: Any = caching
_CompileResult: Any = compiler.CompileResult
_runtime: Any = runtime.rtsys

_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCES = ("kernels", "preferences", "mechanisms")
_SETTINGS = (
    "OPT",
    "BOUNDSCHECK",
    "CPU_NAME",
    "CPU_FEATURES",
    "ENABLE_AVX",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "DEBUGINFO_DEFAULT",
    "DISABLE_INTEL_SVML",
)
_SUFFIX = ".kernel"


# --- where the cache is ----------------------------------------------------------------------


def source_key(package: Path = _PACKAGE) -> str:
    """Hash all that compiled code depends on: sources, versions, settings, processor.

    Parameters
    ----------
    package
        Folder that holds the source folders of kernels.

    Returns
    -------
    str
        24 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((package / folder).rglob("*.py")):
            source = path.read_bytes()
            name = path.relative_to(package).as_posix()
            digest.update(f"{name}\0{len(source)}\0".encode())
            digest.update(source)
    machine = (
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
        sys.version,
        platform.machine(),
        llvmlite.binding.get_host_cpu_name(),
        _codegen.get_host_cpu_features(),
        [(name, getattr(_config, name, None)) for name in _SETTINGS],
    )
    digest.update(repr(machine).encode())
    return digest.hexdigest()[:24]


def _user_cache() -> Path:
    """Return the platform's folder for a user's caches; RuntimeError without a home."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The base directory specification says that a relative path is to be ignored.
    return chosen if chosen.is_absolute() else Path.home() / ".cache"


def _private(folder: Path) -> bool:
    """Make `folder` if need be; tell whether only this user can write to it."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if sys.platform == "win32":
        return True  # a profile folder is private by its access list, which mode bits do not show
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def _roots() -> tuple[Path, str]:
    """Return the folder that holds the key folders, and what their names start with."""
    if _config.CACHE_DIR:
        return Path(_config.CACHE_DIR), "ecs_market-"
    return _user_cache() / "ecs_market", ""


@functools.cache
def cache_folder() -> Path | None:
    """Return the folder of this process's compiled kernels, or None if there is no usable one.

    It is made when first asked for.  `NUMBA_CACHE_DIR`, if set, is where it lies; else the
    platform's cache folder of the user is.
    """
    try:
        root, prefix = _roots()
        if prefix:
            root.mkdir(parents=True, exist_ok=True)
        else:
            root.parent.mkdir(parents=True, exist_ok=True)
            if not _private(root):
                return None
        folder = root / (prefix + source_key())
        if not _private(folder):
            return None
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):
        return None
    return folder


def clear_cache() -> int:
    """Delete all compiled kernels of this user, those of older versions included.

    Returns
    -------
    int
        The number of cached functions deleted.
    """
    try:
        root, prefix = _roots()
        folders = [p for p in root.glob(prefix + "?" * 24) if p.is_dir() and not p.is_symlink()]
    except (OSError, RuntimeError):
        return 0
    count = 0
    for folder in folders:
        count += sum(1 for _ in folder.glob("*" + _SUFFIX))
        shutil.rmtree(folder, ignore_errors=True)
    cache_folder.cache_clear()
    return count


# --- what an entry is named by ----------------------------------------------------------------


def _plain(value: Any) -> Any:
    """Return the Python function behind a compiled one, or `value` itself."""
    return getattr(value, "py_func", value)


def _feed(digest: Any, value: Any, seen: set[int]) -> None:
    """Add one value that a kernel refers to; functions add all that they refer to themselves."""
    value = _plain(value)
    if isinstance(value, types.FunctionType):
        if id(value) in seen:
            return
        seen.add(id(value))
        digest.update(f"def {value.__module__}.{value.__qualname__}".encode())
        _feed_code(digest, value.__code__, value.__globals__, seen)
        for cell in value.__closure__ or ():
            _feed(digest, cell.cell_contents, seen)
        _feed(digest, value.__defaults__, seen)
    elif isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape}".encode())
        digest.update(value.tobytes())
    elif isinstance(value, (tuple, list)):
        digest.update(f"{type(value).__name__} {len(value)}".encode())
        for item in value:
            _feed(digest, item, seen)
    elif isinstance(value, (bool, int, float, complex, str, bytes, np.generic, type(None))):
        digest.update(f"{type(value).__name__} {value!r}".encode())
    else:
        # Types and builtins of numpy, math and the like: fixed by the versions in the key.
        name = getattr(value, "__qualname__", type(value).__qualname__)
        digest.update(f"other {getattr(value, '__module__', '')}.{name}".encode())


def _feed_code(digest: Any, code: types.CodeType, names: dict[str, Any], seen: set[int]) -> None:
    """Add a code object: its bytecode, its constants and the globals it names."""
    digest.update(code.co_code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _feed_code(digest, constant, names, seen)
        else:
            digest.update(f"const {type(constant).__name__} {constant!r}".encode())
    for name in code.co_names:
        digest.update(f"name {name}".encode())
        value = names.get(name)
        if not isinstance(value, types.ModuleType):
            _feed(digest, value, seen)
            continue
        for attribute in code.co_names:
            member = vars(value).get(attribute)
            if isinstance(_plain(member), types.FunctionType):
                _feed(digest, member, seen)


def _entry_name(function: Callable[..., Any], signature: Any, target: Any) -> str:
    """Return the file name of one function's code for one signature."""
    digest = hashlib.sha256()
    _feed(digest, function, set())
    digest.update(repr((signature, target.magic_tuple())).encode())
    return f"{_entry_stem(function)}-{digest.hexdigest()[:32]}{_SUFFIX}"


def _entry_stem(function: Callable[..., Any]) -> str:
    full = f"{function.__module__}.{function.__qualname__}"
    readable = "".join(c if c.isalnum() or c in "._" else "_" for c in full)
    return f"{readable[-60:]}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


# --- the cache that a dispatcher talks to -----------------------------------------------------


class KernelCache:
    """One function's entries, each in files of its own, with a SHA-256 of their content beside.

    It has the methods of numba's own cache classes, which dispatchers call, and leaves reading and
    writing compiled code to numba.  Numba itself keeps one index for all signatures of a function;
    two processes that compile at the same time can there overwrite each other's number.  Entries
    named by their content key cannot collide.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._enabled = True

    @property
    def cache_path(self) -> str | None:
        """The folder of the entries, or None without one."""
        folder = cache_folder()
        return None if folder is None else str(folder)

    def enable(self) -> None:
        """Read and write entries, as at the start."""
        self._enabled = True

    def disable(self) -> None:
        """Neither read nor write entries."""
        self._enabled = False

    def flush(self) -> None:
        """Delete the function's entries."""
        folder = cache_folder()
        if folder is not None:
            for path in folder.glob(f"{_entry_stem(self._function)}-*"):
                path.unlink(missing_ok=True)

    def _path(self, signature: Any, target: Any) -> Path | None:
        folder = cache_folder() if self._enabled else None
        return None if folder is None else folder / _entry_name(self._function, signature, target)

    def entry(self, sig: Any, target_context: Any) -> str:
        """Return the name of the file that an entry for `sig` has, whether it is there or not."""
        return _entry_name(self._function, sig, target_context.codegen())

    def holds(self, sig: Any, target_context: Any) -> bool:
        """Tell whether an undamaged entry for `sig` is there; it is not loaded."""
        path = self._path(sig, target_context.codegen())
        return path is not None and _undamaged(path) is not None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function for `sig`, or None; whatever goes wrong is a miss."""
        try:
            path = self._path(sig, target_context.codegen())
            if path is None:
                return None
            record = _undamaged(path)
            if record is None:
                return None
            # Numba reads its whole library of implementations, and scipy's if it is installed,
            # before it loads anything; finished code mostly needs no more than the runtime.
            if record.needs == _RUNTIME:
                _runtime.initialize(target_context)
            else:
                target_context.refresh()
            # Written by save_overload into a folder that only this user can write to.
            state = _entry(record.stem(path)).load(_ONLY)
            if linked.is_linked(state):
                return linked.rebuild(target_context, state)
            return _CompileResult._rebuild(target_context, *state)  # noqa: SLF001
        except Exception:  # noqa: BLE001
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write the compiled function for `sig`; a full or vanished disk is no error."""
        if data.lifted or data.library.has_dynamic_globals:
            return
        path = self._path(sig, data.codegen)
        # Another process that compiled the same may have been faster.
        if path is None or self.holds(sig, data.target_context):
            return
        with contextlib.suppress(OSError):
            _discard(path)
            record = _Record(secrets.token_hex(4), _RUNTIME if _self_contained(data) else _LIBRARY)
            stem = record.stem(path)
            _entry(stem).save(_ONLY, data._reduce())  # noqa: SLF001
            text = " ".join((record.token, record.needs, _digest_of(stem)))
            fresh = stem.with_name(f"{stem.name}.new")
            fresh.write_text(text, encoding="ascii")
            fresh.replace(path)


_ONLY = "code"
# What must be set up before an entry is loaded.
_RUNTIME, _LIBRARY = "runtime", "library"
# Symbols that are there once numba's runtime is: of Python, of that runtime, of LLVM.
_PROVIDED = ("Py", "_Py_NoneStruct", "NRT_", "numba_", "llvm.")


def _self_contained(result: Any) -> bool:
    """Tell whether compiled code refers to nothing but what numba's runtime provides."""
    if result.reload_init:
        return False
    module = result.library._final_module  # noqa: SLF001
    outside = [each.name for each in module.functions if each.is_declaration]
    outside += [each.name for each in module.global_variables if each.is_declaration]
    return all(name.startswith(_PROVIDED) for name in outside)


class _Record(NamedTuple):
    """What an entry's own file says: which files hold the code, and what the code needs.

    Whoever writes an entry takes a new token, so that processes which write the same at one time,
    or end while they do, leave each other's files alone.
    """

    token: str
    needs: str

    def stem(self, path: Path) -> Path:
        """Return what the names of the files that hold the code of entry `path` start with."""
        return path.with_name(f"{path.stem}-{self.token}")


def _read_record(path: Path) -> tuple[_Record, str]:
    """Return the record of an entry and the digest of its code; ValueError for nonsense."""
    token, needs, digest = path.read_text(encoding="ascii").split(" ")
    return _Record(token, needs), digest


def _undamaged(path: Path) -> _Record | None:
    """Return the record of an entry, None where it is missing or not what was written."""
    try:
        record, digest = _read_record(path)
        return record if _digest_of(record.stem(path)) == digest else None
    except (OSError, ValueError):
        return None


def _discard(path: Path) -> None:
    """Delete the files of a damaged entry but for its own, which is about to be replaced."""
    with contextlib.suppress(OSError, ValueError):
        for part in _parts(_read_record(path)[0].stem(path)):
            part.unlink(missing_ok=True)


def _entry(stem: Path) -> Any:
    """Return numba's reader and writer of an entry's code."""
    return _caching.IndexDataCacheFile(str(stem.parent), stem.name, "")


def _parts(stem: Path) -> tuple[Path, Path]:
    """Return the files that numba writes: its index and the code."""
    return stem.with_name(f"{stem.name}.nbi"), stem.with_name(f"{stem.name}.1.nbc")


def _digest_of(stem: Path) -> str:
    digest = hashlib.sha256()
    for part in _parts(stem):
        digest.update(part.read_bytes())
    return digest.hexdigest()
