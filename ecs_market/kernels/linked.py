"""Code that is only ever linked into other code: kept, but neither optimised nor made executable.

Numba optimises every function that it compiles and makes machine code of it at once.  For one that
compiled code alone calls that is lost work: each caller links a copy in the compiler's own terms,
optimises the whole and makes machine code of that.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import codegen, compiler

# Numba's annotations differ from version to version, and these parts have none.
_Library: Any = codegen.JITCodeLibrary
_Compiler: Any = compiler.Compiler
_CompileResult: Any = compiler.CompileResult

# How the serialised state of such a library calls itself.
_KIND = "linked"
_ENVIRONMENT = "_ZN08NumbaEnv"


class LinkedLibrary(_Library):  # type: ignore[misc]  # numba has no types
    """The code of one function and of all it calls, for callers to link to."""

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002  # numba's signature
        """Return 0, numba's word for a function that has no machine code."""
        self._ensure_finalized()
        return 0

    def serialize_using_object_code(self) -> tuple[str, str, bytes]:
        """Return what a cache keeps."""
        return self.name, _KIND, self._get_module_for_linking().as_bitcode()

    def _optimize_final_module(self) -> None:
        """Leave the code as it is: callers optimise what they have linked."""

    def _finalize_final_module(self) -> None:
        """Give the engine the places of environments, which numba fills in; no code."""
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        module = ir.Module(f"environments of {self.name}")
        module.triple = self._final_module.triple
        place = ir.IntType(8).as_pointer()
        for each in self._final_module.global_variables:
            if each.name.startswith(_ENVIRONMENT):
                made = ir.GlobalVariable(module, place, each.name)
                made.linkage = "common"
                made.initializer = ir.Constant(place, None)
        self._codegen._add_module(llvm.parse_assembly(str(module)))  # noqa: SLF001
        self._codegen._engine.finalize_object()  # noqa: SLF001
        self._finalized = True


class LinkedCompiler(_Compiler):  # type: ignore[misc]  # numba has no types
    """Numba's compiler, whose code goes to a `LinkedLibrary`."""

    def define_pipelines(self) -> Any:
        """Return numba's passes; the last of them takes the library that it finds."""
        state = self.state
        state.library = LinkedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()


def is_linked(state: tuple[Any, ...]) -> bool:
    """Tell whether a cached state is that of a function that is only linked to."""
    return bool(state[0][1] == _KIND)


def rebuild(target_context: Any, state: tuple[Any, ...]) -> Any:
    """Return the compiled function of such a state, as numba does for functions of its own."""
    (name, _, code), descriptor, environment, signature, objectmode, lifted, *rest = state
    annotation, reload_init, environments = rest
    library = LinkedLibrary(target_context.codegen(), name)
    library._final_module = llvm.parse_bitcode(code)  # noqa: SLF001
    library._finalize_final_module()  # noqa: SLF001
    result = _CompileResult(
        target_context=target_context,
        typing_context=target_context.typing_context,
        library=library,
        environment=environment,
        entry_point=target_context.get_executable(library, descriptor, environment),
        fndesc=descriptor,
        type_annotation=annotation,
        signature=signature,
        objectmode=objectmode,
        lifted=lifted,
        typing_error=None,
        call_helper=None,
        metadata=None,
        reload_init=reload_init,
        referenced_envs=environments,
    )
    for each in environments:
        library.codegen.set_env(each.env_name, each)
    return result
