"""
A command line made of a function: its parameters are the flags, its docstring is the help. What cannot be read is refused in one line.

A parameter before `*` may go without its flag. Types, defaults, `--no-…` and "did you mean" are cyclopts' (https://cyclopts.readthedocs.io).
Nothing heavy is imported here: a command answers `--help` and a wrong flag at once.
"""

import datetime as dt
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Annotated, Any, NoReturn

from cyclopts import App, Group, Parameter, Token
from cyclopts.exceptions import CoercionError, CycloptsError

from lib import error_line

MISUSE = 2
EXIT_CODES = MappingProxyType(
    {
        0: "done, and nothing needs a person",
        1: "failed, was stopped, or a client could not be read or finished (the others' work is kept); `verify`: a file was altered",
        MISUSE: "an argument was refused; or rows were rejected, are uncertain or flagged; or the check found what would block a run",
    }
)
"""What the exit code of any command means."""
_ROOM_FOR_FLAGS = 28  # columns
_WRITE = {float: "a number", bool: "true or false", dt.date: "a day such as 2026-07-31"}


def read(function: Callable[..., Any], argv: Sequence[str] | None = None, *, program: str) -> dict[str, Any]:
    """
    The function's arguments, with the defaults of those not given.

    Args:
        function: Says all: types, defaults, and a docstring with the sections `Args` and `Example`.
        argv: Those of the process when left out.
        program: How the command is called, such as `python flows/compare.py`.

    Raises:
        SystemExit: Help was asked for and shown; or an argument cannot be read, exit code 2.
    """
    strict = function_of(map(_strict, signature(function).parameters.values()), inspect.getdoc(function) or "")
    app = _app(strict, program)
    try:
        command, bound, _ = app.parse_args(
            sys.argv[1:] if argv is None else [*argv], exit_on_error=False, print_error=False
        )
    except CycloptsError as error:
        refuse(_message(error))
    if command is not strict:  # that shows the help
        command(*bound.args, **bound.kwargs)
        raise SystemExit(0)
    bound.apply_defaults()
    for one in bound.signature.parameters.values():
        _refuse_empty(one, bound.arguments[one.name])
    return dict(bound.arguments)


def function_of(parameters: Iterable[inspect.Parameter], docstring: str) -> Callable[..., None]:
    """A function for `read` that only says what a command takes: these parameters, with types as annotations."""

    def function() -> None: ...

    listed = [*parameters]
    function.__signature__ = inspect.Signature(listed)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in listed}
    function.__doc__ = docstring
    return function


def refuse(message: str) -> NoReturn:
    """
    End the command with the message on one line.

    Raises:
        SystemExit: Always; exit code 2.
    """
    text = error_line.one_line(message).rstrip(".")
    print(f"error: {text}{' See' if text.endswith('?') else '; see'} --help", file=sys.stderr)  # noqa: T201
    raise SystemExit(MISUSE)


def flag(parameter: inspect.Parameter) -> str:
    """How people write the parameter."""
    positional = parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    return parameter.name.upper() if positional else f"--{parameter.name.replace('_', '-')}"


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """The function's signature with types in place of their names."""
    hints, bare = typing.get_type_hints(function, include_extras=True), inspect.signature(function)
    return bare.replace(
        parameters=[one.replace(annotation=hints.get(one.name, Any)) for one in bare.parameters.values()]
    )


def _strict(parameter: inspect.Parameter) -> inspect.Parameter:
    """Of a whole number cyclopts would cut off the fraction: 1.5 days would be one."""
    if not {int, list[int]} & {parameter.annotation, *typing.get_args(parameter.annotation)}:
        return parameter
    return parameter.replace(annotation=Annotated[parameter.annotation, Parameter(converter=_whole_numbers)])


def _whole_numbers(hint: Any, tokens: Sequence[Token]) -> int | list[int]:
    for token in tokens:
        if not re.fullmatch(r"[+-]?\d+", token.value):
            raise ValueError(f'unable to convert "{token.value}" into int; write a whole number')
    values = [int(token.value) for token in tokens]
    return values if list[int] in (hint, *typing.get_args(hint)) else values[0]


def _app(function: Callable[..., Any], program: str) -> App:
    docstring = inspect.getdoc(function) or ""
    parameters = Group("Parameters")
    app = App(
        name=program,
        help=_description(docstring),
        help_format="plaintext",
        help_epilogue=_epilogue(docstring, program),
        help_formatter=_Help(),
        version_flags=[],
        group_parameters=parameters,
        default_parameter=Parameter(
            allow_repeating=True,  # of a value the last counts; those of a list add up
            consume_multiple=(1, None),
            negative_iterable=(),
            show_default=_shown,
        ),
    )
    app["--help"].group = parameters
    app["--help"].help = "Show this, and end."
    app.default(function)
    return app


class _Help:
    """Parameters in a table whose first column has room for each flag: one that is broken in two cannot be copied."""

    def __call__(self, console: Any, options: Any, panel: Any) -> None:
        from cyclopts.help import ColumnSpec, DefaultFormatter, NameRenderer  # noqa: PLC0415  # rich, for who asks for help
        from cyclopts.help.specs import DescriptionColumn  # noqa: PLC0415

        longest = max(_ROOM_FOR_FLAGS, *(len(name) for one in panel.entries for name in one.all_options))
        names = ColumnSpec(renderer=NameRenderer(max_width=longest), style="cyclopts.name", max_width=longest)
        DefaultFormatter(column_specs=(names, DescriptionColumn))(console, options, panel)

    def render_usage(self, console: Any, _options: Any, usage: Any) -> None:
        console.print("Usage:", usage, highlight=False)
        console.print()


def _description(docstring: str) -> str:
    """What stands before the first section, each paragraph on one line for the terminal to break."""
    text = re.split(r"^(?:Args|Returns|Raises|Side effects|Example):$", docstring, maxsplit=1, flags=re.MULTILINE)[0]
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _epilogue(docstring: str, program: str) -> str:
    section = re.search(r"^Example:\n((?:    .*\n?)+)", docstring, re.MULTILINE)
    example = textwrap.dedent(section[1]).rstrip() if section else program
    codes = (
        textwrap.fill(f"{code}  {meaning}", 78, initial_indent="  ", subsequent_indent="     ")
        for code, meaning in EXIT_CODES.items()
    )
    return f"Example:\n{textwrap.indent(example, '  ')}\n\nExit codes:\n" + "\n".join(codes)


def _shown(default: Any) -> str | None:
    """A default as the help tells it; nothing for one that says nothing."""
    if default is None or default is False or default in ("", (), []):
        return None
    return " ".join(map(str, default)) if isinstance(default, list | tuple) else str(default)


def _message(error: CycloptsError) -> str:
    if not isinstance(error, CoercionError):
        return str(error)
    text = str(error).rstrip(".")
    if error.msg is not None and error.argument and error.token and error.token.keyword is None:
        text = f"Invalid value for {error.argument.name.lstrip('-').upper()}: {text}"
    how = _WRITE.get(error.target_type) if error.target_type else None
    return f"{text}; write {how}" if how else text


def _refuse_empty(parameter: inspect.Parameter, value: Any) -> None:
    if value == parameter.default:
        return
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str) and not text.strip():
            refuse(f"{flag(parameter)}: is empty; write a value, or leave it out")
