"""The one decorator for compiled functions.

Kernels compile lazily, release the GIL, never use fast-math, and are cached on disk.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numba
from numba.core import config, extending
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic

from ecs_market.kernels.cache import KernelCache, cache_folder, clear_cache
from ecs_market.kernels.compiling import kernel_name, telling
from ecs_market.kernels.linked import LinkedCompiler

__all__ = [
    "KernelInfo",
    "Watch",
    "absorbed",
    "borrowing",
    "cache_folder",
    "clear_cache",
    "compiled_kernels",
    "helper",
    "inlined",
    "kernel",
    "kernel_name",
    "specialise",
    "spelled_out",
    "telling",
    "watch_here",
    "watching",
]

F = TypeVar("F", bound=Callable[..., Any])

# Numba's annotations differ from version to version.
_njit: Any = numba.njit
_intrinsic: Any = intrinsic
_Intrinsic: Any = extending._Intrinsic  # noqa: SLF001 -- what `intrinsic` returns
_config: Any = config

_lock = threading.RLock()
_dispatchers: list[Any] = []
_specialised: dict[tuple[Any, str], tuple[dict[str, Any], Any]] = {}


class KernelInfo(NamedTuple):
    """What has become of one kernel in this process.

    Attributes
    ----------
    name
        Module and qualified name of the function.
    signatures
        The argument types it exists for.
    loaded, compiled
        How many of them came from the cache, and how many were compiled here.
    """

    name: str
    signatures: tuple[str, ...]
    loaded: int
    compiled: int


def kernel(function: F) -> F:
    """Compile a function with numba when it is first called, cached on disk.

    The code releases the GIL, follows numpy's rules for floating-point errors and keeps IEEE
    arithmetic as written (no fast-math, no contraction to fused multiply-add).  With
    `NUMBA_DISABLE_JIT=1` the plain function is returned.

    Parameters
    ----------
    function
        A function of the subset of Python that numba compiles, without closure.

    Returns
    -------
    callable
        The compiled function; `py_func` is the plain one.
    """
    return _compile(function)


def helper(function: F) -> F:
    """Compile a function that kernels call, as `kernel` does; Python as a rule calls it not."""
    return _compile_inner(function)


def inlined(function: F) -> F:
    """Compile a small scalar function that is always inlined into the kernels that call it.

    Loops over such a function can then be vectorised, which the compiler's own size limits would
    prevent.  Like a `borrowing` function it makes no arrays.  Otherwise as `kernel`.
    """
    return _compile_inner(function, forceinline=True, _nrt=False)


def borrowing(function: F) -> F:
    """Compile a function that makes no arrays, only uses those it is given.

    It need not count references to them, which costs small functions more than their own work.
    Otherwise as `kernel`.
    """
    return _compile_inner(function, _nrt=False)


def absorbed(function: F) -> F:
    """Compile as `borrowing`, always inlined: for what is small, or called from one place.

    Its arguments, arrays above all, then need not be handed over one by one.
    """
    return _compile_inner(function, _nrt=False, forceinline=True)


class _Inner(CPUDispatcher):  # type: ignore[misc]  # numba has no types
    """A function that kernels call.

    It is compiled without what takes arguments over from Python, which costs a small function as
    much as itself; called from Python, as tests do, it gets that from a kernel around it.
    """

    def __call__(self, *args: Any) -> Any:
        watch = getattr(_here, "watch", None)
        return self.unwatched(*args) if watch is None else watch(self, args)

    def unwatched(self, *args: Any) -> Any:
        """Call the kernel around it, which is made first if there is none."""
        around = self.__dict__.get("around")
        if around is None:
            names = {"inner": self}
            around = _njit(nogil=True, error_model="numpy")(
                types.FunctionType(_forward.__code__, names, self.py_func.__name__)
            )
            self.__dict__["around"] = around
        return around(*args)


def _forward(*args: Any) -> Any:
    """Pass everything on to `inner`, which a copy of this function has for a global name."""
    return inner(*args)


inner: Any = None


class _Spelled(_Intrinsic):  # type: ignore[misc]  # numba has no types
    """An intrinsic that code which runs as plain Python may call too, as rehearsals do."""

    def __call__(self, *args: Any) -> Any:
        """Return what the function in Python returns."""
        return self.plain(*args)


def spelled_out(plain: F) -> Callable[[Callable[..., Any]], F]:
    """Compile a small function from LLVM's own instructions, which the one decorated writes.

    Parameters
    ----------
    plain
        The same function in Python, for where compilation is switched off.

    Returns
    -------
    callable
        A decorator of a typing function of `numba.extending.intrinsic`: it returns a signature and
        what writes the code.
    """

    def decorate(typing: Callable[..., Any]) -> F:
        if _config.DISABLE_JIT:
            return plain
        made: Any = _intrinsic(typing)
        made.__class__ = _Spelled
        made.plain = plain
        typed: F = made
        return typed

    return decorate


def _compile_inner(function: F, **options: bool) -> F:
    made: Any = _compile(
        function, no_cpython_wrapper=True, pipeline_class=LinkedCompiler, **options
    )
    if made is not function:
        made.__class__ = _Inner
    typed: F = made
    return typed


def _compile(function: F, **options: Any) -> F:
    if _config.DISABLE_JIT:
        return function
    # Said in any case: else it would be taken over from whichever function calls this one first.
    options = {"forceinline": False} | options
    dispatcher = _njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function)
    dispatcher._cache = KernelCache(function)  # noqa: SLF001
    with _lock:
        _dispatchers.append(dispatcher)
        if _watches:
            dispatcher.__class__ = _Watched
    typed: F = dispatcher
    return typed


def specialise(
    template: F, qualname: str, compiler: Callable[[Any], Any] = kernel, /, **names: Any
) -> F:
    """Compile a copy of `template` in which some global names mean something else.

    Loops that are the same for every utility family or mechanism are written once, against names
    such as `demand`; each specialisation binds those names and compiles to its own code.

    Parameters
    ----------
    template
        A plain function (not a kernel) at module level.
    qualname
        Name of the copy; one name stands for one specialisation of a template.
    compiler
        What compiles the copy: `kernel`, `borrowing` or `absorbed`.
    **names
        Kernels and constants, under the names that the template uses.

    Returns
    -------
    callable
        The kernel; the same object whenever the same specialisation is asked for.

    Raises
    ------
    TypeError
        `template` is not a plain function.
    ValueError
        The name has already been given to a specialisation with other names.
    """
    if not isinstance(template, types.FunctionType):
        raise TypeError(f"specialise {qualname!r}: the template must be a plain function")
    with _lock:
        if (template, qualname) in _specialised:
            bound, known = _specialised[template, qualname]
            if bound.keys() != names.keys() or not all(_same(bound[n], names[n]) for n in names):
                raise ValueError(f"specialise {qualname!r}: the name is taken by other bindings")
            made: F = known
            return made
        code = template.__code__.replace(co_name=qualname, co_qualname=qualname)
        bindings = {**template.__globals__, **names}
        copy = types.FunctionType(code, bindings, qualname, template.__defaults__)
        copy.__module__ = template.__module__
        copy.__doc__ = template.__doc__
        copy.__annotations__ = template.__annotations__
        made = compiler(copy)
        _specialised[template, qualname] = (names, made)
        return made


def _same(one: Any, other: Any) -> bool:
    """Tell whether two bindings are the same object or equal plain constants."""
    if one is other:
        return True
    return type(one) is type(other) and isinstance(one, (int, float, str)) and one == other


# --- looking on ------------------------------------------------------------------------------

Watch: TypeAlias = Callable[[Any, tuple[Any, ...]], Any]
"""Called instead of a kernel, with the kernel and its arguments; returns what callers shall get.

The kernel itself is called by its method `unwatched`.
"""

_here = threading.local()
_watches = 0


class _Watched(CPUDispatcher):  # type: ignore[misc]  # numba has no types
    """A kernel whose calls from Python are seen by whoever watches in the calling thread."""

    unwatched = CPUDispatcher.__call__

    def __call__(self, *args: Any) -> Any:
        watch = getattr(_here, "watch", None)
        return self.unwatched(*args) if watch is None else watch(self, args)


def watch_here(watch: Watch | None) -> Watch | None:
    """Let `watch` see this thread's calls, inside a `watching` block; return who did until now."""
    outer: Watch | None = getattr(_here, "watch", None)
    _here.watch = watch
    return outer


@contextmanager
def watching(watch: Watch | None) -> Iterator[None]:
    """Let `watch` make this thread's calls of kernels inside the block; None: unwatched.

    While nobody watches, kernels are numba's own dispatchers and nothing stands between them and
    their callers.  Under a watch their class is a subclass that asks.  Calls of kernels by kernels
    are compiled code and not seen; neither is anything where compilation is switched off.
    """
    global _watches  # noqa: PLW0603
    with _lock:
        _watches += 1
        if _watches == 1:
            for dispatcher in _dispatchers:
                if type(dispatcher) is CPUDispatcher:
                    dispatcher.__class__ = _Watched
    outer = watch_here(watch)
    try:
        yield
    finally:
        watch_here(outer)
        with _lock:
            _watches -= 1
            if not _watches:
                for dispatcher in _dispatchers:
                    if type(dispatcher) is _Watched:
                        dispatcher.__class__ = CPUDispatcher


def compiled_kernels() -> list[KernelInfo]:
    """List the kernels that were called in this process, by name.

    Returns
    -------
    list of KernelInfo
        Empty when compilation is switched off.
    """
    found = []
    for dispatcher in _dispatchers:
        if dispatcher.signatures:
            function = dispatcher.py_func
            found.append(
                KernelInfo(
                    f"{function.__module__}.{function.__qualname__}",
                    tuple(str(signature) for signature in dispatcher.signatures),
                    sum(dispatcher.stats.cache_hits.values()),
                    sum(dispatcher.stats.cache_misses.values()),
                )
            )
    return sorted(found)
