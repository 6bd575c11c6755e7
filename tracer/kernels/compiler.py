"""numba, led around what it does for functions that Python calls: a kernel becomes one object file with one entry.

Its compiler is told to stop before machine code: what steps and kernels become is LLVM's intermediate code, optimized
once, as a whole, where it has all its steps. The entry takes the address of a row of words
(:mod:`tracer.kernels.arguments`), and leaves what the kernel gives in the same row. The object file refers to nothing
but the C library's memcpy and the like: kernels allocate nothing, and count no references.

Only who compiles imports this module: it imports numba.
"""

# ruff: noqa: ANN401 - what numba and LLVM give is their own and has no types

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import llvmlite.binding as llvm  # type: ignore[import-untyped]
from llvmlite import ir
from numba import config, types
from numba.core import compiler, typed_passes, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.dispatcher import _FunctionCompiler  # type: ignore[attr-defined]
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.typing.typeof import Purpose
from numba.core.typing.typeof import typeof as type_of
from numba.extending import intrinsic, typeof_impl
from numba.np.arrayobj import populate_array

from tracer.kernels.arguments import DATA_AT, SHAPE_AT, STRIDES_AT
from tracer.kernels.loading import prepare_llvm
from tracer.kernels.steps import Intrinsic, Part
from tracer.kernels.target import level

_OPTIONS: Final[dict[str, Any]] = {
    "nopython": True,
    "error_model": "numpy",
    "_nrt": False,  # kernels allocate nothing, and counting references to arrays costs as much as the work they do
    "no_cfunc_wrapper": True,
    "no_cpython_wrapper": True,
}
_WORD: Final = ir.IntType(64)


def compiled(
    function: Callable[..., Any], arguments: tuple[Any, ...], entry: str, *, direct: bool
) -> tuple[bytes, str]:
    """The object file of a function for arguments of these types, with one function of the name ``entry``.

    Beside it what the entry leaves in the row of words: a letter for each word (``b``: boolean, ``i``: signed, ``u``:
    unsigned), in brackets where the kernel gives a tuple, nothing where it gives nothing. ``direct``: the entry takes
    the arguments themselves, which are int64, and leaves nothing.
    """
    with global_compiler_lock:
        kinds = tuple(type_of(each, Purpose.argument) for each in arguments)
        library = _WholeLibrary(cpu_target.target_context.codegen(), entry)
        result = _compile(function, kinds, library)
        letters = _letters(result.signature.return_type)
        library.add_ir_module(_entry(library, result, kinds, entry, direct=direct))
        library.keep_only(entry)
        library.finalize()
        return bytes(_machine().emit_object(library._final_module)), letters


def _compile(function: Callable[..., Any], kinds: tuple[Any, ...], library: Any, **options: Any) -> Any:
    """Numba's result, with code in the library that nothing was made of yet."""
    flags = compiler.Flags()
    cpu_target.options.parse_as_flags(flags, _OPTIONS | options)
    flags.no_compile = True
    return compiler.compile_extra(
        cpu_target.typing_context,
        cpu_target.target_context,
        function,
        args=kinds,
        return_type=None,
        flags=flags,
        locals={},
        library=library,
        pipeline_class=_Pipeline,
    )


class _Pipeline(compiler.CompilerBase):  # type: ignore[misc]
    """Of numba's passes those that kernels need: they have no closures, no contexts, nothing that runs in parallel.

    The others find nothing to do, and take a third of the time.
    """

    def define_pipelines(self) -> list[Any]:
        passes = PassManager("kernel")
        for each in (
            untyped_passes.TranslateByteCode,
            untyped_passes.FixupArgs,
            untyped_passes.IRProcessing,
            untyped_passes.GenericRewrites,
            untyped_passes.ReconstructSSA,
            typed_passes.NopythonTypeInference,
            typed_passes.PreLowerStripPhis,
            typed_passes.IRLegalization,
            typed_passes.NativeLowering,
            typed_passes.NoPythonBackend,
        ):
            passes.add_pass(each, each.__name__)
        passes.finalize()
        return [passes]


class _StepLibrary(JITCodeLibrary):  # type: ignore[misc]
    """Code of a step, which stays as it is until it becomes part of a kernel."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Leave it to :class:`_WholeLibrary`."""
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True


class _WholeLibrary(_StepLibrary):
    """Code of a kernel, which is optimized with that of all its steps."""

    def keep_only(self, entry: str) -> None:
        """Let nothing but the entry be seen from outside, so that what it does not need goes."""
        for function in self._final_module.functions:
            if not function.is_declaration and function.name != entry:
                function.linkage = "internal"

    def finalize(self) -> None:
        self._raise_if_finalized()
        for each in _all_of(self._linking_libraries, set()):
            self._final_module.link_in(each._get_module_for_linking(), preserve=True)
        for variable in self._final_module.global_variables:
            if variable.linkage == llvm.Linkage.common:  # numba's environments, which only its own wrappers use
                variable.linkage = "internal"
        passes, builder = self._codegen._module_pass_manager()
        passes.run(self._final_module, builder)
        self._final_module.verify()
        self._finalized = True


def _all_of(libraries: Any, seen: set[int]) -> Iterator[Any]:
    for each in libraries:
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            yield from _all_of(each._linking_libraries, seen)


def _entry(library: Any, result: Any, kinds: tuple[Any, ...], name: str, *, direct: bool) -> Any:
    """A module with the function ``int32 name(int64 *words)``, which gives zero unless the kernel raised an error.

    ``direct``: ``int32 name(int64, ...)``.
    """
    context = result.target_context
    module = library.create_ir_module(f"{name}.entry")
    kernel = context.declare_function(module, result.fndesc)
    takes = [_WORD] * len(kinds) if direct else [_WORD.as_pointer()]
    function = ir.Function(module, ir.FunctionType(ir.IntType(32), takes), name)
    builder = ir.IRBuilder(function.append_basic_block())
    words = iter(function.args) if direct else _words(builder, function.args[0])
    values = [_value(context, builder, kind, words) for kind in kinds]
    gives = result.signature.return_type
    status, value = context.call_conv.call_function(builder, kernel, gives, kinds, values)
    for place, (kind, word) in enumerate(_parts(builder, gives, value)):
        widen = builder.sext if getattr(kind, "signed", False) else builder.zext
        whole = word if word.type.width == _WORD.width else widen(word, _WORD)
        builder.store(whole, builder.gep(function.args[0], [_WORD(place)]))
    builder.ret(status.code)
    return module


def _words(builder: Any, row: Any) -> Iterator[Any]:
    for place in itertools.count():
        yield builder.load(builder.gep(row, [_WORD(place)]))


def _value(context: Any, builder: Any, kind: Any, words: Iterator[Any]) -> Any:
    """An argument as numba has it, of as many words as it takes (:mod:`tracer.kernels.arguments`)."""
    if isinstance(kind, types.BaseTuple):
        return context.make_tuple(builder, kind, [_value(context, builder, each, words) for each in kind.types])
    word = next(words)
    if isinstance(kind, types.Array):
        return _array(context, builder, kind, word)
    whole = context.get_value_type(kind)
    if isinstance(whole, ir.DoubleType):
        return builder.bitcast(word, whole)
    return word if whole.width == _WORD.width else builder.trunc(word, whole)


def _array(context: Any, builder: Any, kind: Any, address: Any) -> Any:
    """What numba takes for the array whose object is at an address."""

    def pointer(at: int, to: Any) -> Any:
        return builder.load(builder.inttoptr(builder.add(address, _WORD(at)), to.as_pointer().as_pointer()))

    made = context.make_array(kind)(context, builder)
    sizes, steps = pointer(SHAPE_AT, _WORD), pointer(STRIDES_AT, _WORD)
    shape = [builder.load(builder.gep(sizes, [_WORD(axis)])) for axis in range(kind.ndim)]
    strides = [builder.load(builder.gep(steps, [_WORD(axis)])) for axis in range(kind.ndim)]
    populate_array(
        made,
        data=builder.bitcast(pointer(DATA_AT, ir.IntType(8)), context.get_data_type(kind.dtype).as_pointer()),
        shape=shape,
        strides=strides,
        itemsize=context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype))),
        meminfo=None,
    )
    return made._getvalue()


def _parts(builder: Any, gives: Any, value: Any) -> list[tuple[Any, Any]]:
    """Type and value of each word that a kernel gives."""
    if gives is types.none:
        return []
    if isinstance(gives, types.BaseTuple):
        return [(kind, builder.extract_value(value, place)) for place, kind in enumerate(gives.types)]
    return [(gives, value)]


def _letters(gives: Any) -> str:
    if gives is types.none:
        return ""
    if isinstance(gives, types.BaseTuple):
        return f"({''.join(map(_letter, gives.types))})"
    return _letter(gives)


def _letter(kind: Any) -> str:
    if isinstance(kind, types.Boolean):
        return "b"
    if isinstance(kind, types.Integer):
        return "i" if kind.signed else "u"
    raise TypeError(f"a kernel gives integers and booleans, not {kind}")


class _StepCompiler(_FunctionCompiler):  # type: ignore[misc]
    """What compiles a step where a kernel first calls it with arguments of some types."""

    def _compile_core(self, args: Any, return_type: Any) -> Any:  # noqa: ARG002 - the types of what is given follow
        library = _StepLibrary(cpu_target.target_context.codegen(), self.py_func.__qualname__)
        result = _compile(self.py_func, args, library, forceinline=self.targetoptions["forceinline"])

        def entry_point() -> None:
            """Numba looks for a step's code by this."""

        cpu_target.target_context.insert_user_function(entry_point, result.fndesc, [library])
        return result._replace(entry_point=entry_point)


class _StepDispatcher(CPUDispatcher):  # type: ignore[misc]
    """What numba asks for a step's types and code; nobody calls it."""

    def add_overload(self, cres: Any) -> None:
        self.overloads[tuple(cres.signature.args)] = cres


def _step(declared: Part[..., Any]) -> Any:
    """Numba's dispatcher of a step, of which it takes the types and, in :class:`_StepLibrary`, the code."""
    if declared.numba is None:
        made: Any = _StepDispatcher(declared.called, targetoptions={"forceinline": declared.inline})
        made._compiler = _StepCompiler(declared.called, made.targetdescr, made.targetoptions, {}, compiler.Compiler)
        declared.numba = made
    return declared.numba


def _intrinsic(declared: Intrinsic[..., Any]) -> Any:
    if declared.numba is None:
        declared.numba = intrinsic(declared.build)
        cpu_target.typing_context.refresh()  # which learns of it by this
    return declared.numba


@typeof_impl.register(Part)  # type: ignore[untyped-decorator]
def _type_of_step(step: Any, _: Any) -> Any:
    return types.Dispatcher(_step(step))


@typeof_impl.register(Intrinsic)  # type: ignore[untyped-decorator]
def _type_of_intrinsic(declared: Any, _: Any) -> Any:
    return cpu_target.typing_context.resolve_value_type(_intrinsic(declared))


def _machine() -> Any:
    """What writes machine code that may lie anywhere in memory.

    LLVM loads nothing but ELF on Windows, which llvmlite makes there for the code model "jitdefault" only.
    """
    model = "jitdefault" if sys.platform == "win32" else "default"
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=level(), opt=3, reloc="pic", codemodel=model
    )


def _set_up() -> None:
    settings: Any = config
    settings.CPU_NAME, settings.CPU_FEATURES = level(), ""  # in place of this very machine's
    settings.OPT, settings.LOOP_VECTORIZE = config._OptLevel(3), True  # and of what the environment says: kernels stay
    settings.SLP_VECTORIZE = 1  # the walk, which compares stacks, takes a fifth less time
    settings.DEBUGINFO_DEFAULT, settings.BOUNDSCHECK = False, None
    prepare_llvm()


_set_up()
