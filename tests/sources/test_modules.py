"""Public names of a package, from its syntax."""

import textwrap

import pytest

from curate.sources.docstrings import modules as _modules


def names(**files: str) -> dict[str, str]:
    """Map public names to docstrings; a file `pkg__sub` is the module pkg.sub, `pkg` the package itself."""
    modules = {}
    for key, source in files.items():
        name = key.replace("__", ".")
        package = any(other.startswith(f"{key}__") for other in files)
        modules[name] = _modules.read_module(name, textwrap.dedent(source).encode(), package)
    return {name: found.doc for name, found in _modules.public_names(modules).items()}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({"p": "", "p__a": 'def f():\n    "F."\ndef _g():\n    "G."\ndef h(): pass'}, {"p.a.f": "F."}, id="public and documented things only"),
        pytest.param({"p": "from ._a import f", "p___a": 'def f():\n    "F."\ndef g():\n    "G."'}, {"p.f": "F."}, id="of a private module what the package hands on"),
        pytest.param({"p": "from .a import f as g", "p__a": 'def f():\n    "F."'}, {"p.g": "F."}, id="the shortest public name"),
        pytest.param({"p": "from ._a import *", "p___a": '__all__ = ["f"]\ndef f():\n    "F."\ndef g():\n    "G."'}, {"p.f": "F."}, id="a star takes __all__"),
        pytest.param({"p": "", "p__a": '__all__ = ["f"]\ndef f():\n    "F."\ndef g():\n    "G."'}, {"p.a.f": "F."}, id="__all__ says what is public"),
        pytest.param({"p": "from ._b import g", "p___b": "from ._a import g", "p___a": 'def g():\n    "G."'}, {"p.g": "G."}, id="through several modules"),
        pytest.param({"p": "try:\n    from ._a import f\nexcept ImportError:\n    pass", "p___a": 'def f():\n    "F."'}, {"p.f": "F."}, id="inside try"),
        pytest.param(
            {
                "p": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ._a import f",
                "p___a": 'def f():\n    "F."',
            },
            {},
            id="not what only type checkers see",
        ),
        pytest.param({"p": "from .b import f", "p__b": "from . import f"}, {}, id="imports in a circle lead nowhere"),
        pytest.param({"p": "from numpy import dot", "p__a": ""}, {}, id="nothing of another package"),
        pytest.param({"p": 'def f(x: int): ...\ndef f(x):\n    "F."\ndef f(x): pass', "p__a": ""}, {"p.f": "F."}, id="the documented one of several"),
    ],
)  # fmt: skip
def test_public_names(files, found):
    assert names(**files) == found


BASE = """
class Base:
    def run(self):
        "Run."
    def stop(self):
        "Stop."
"""


def test_members_of_a_private_base_go_by_the_subclass():
    found = names(
        p="from ._a import Sub", p___a=BASE + 'class Sub(Base):\n    "Sub."\n    def run(self):\n        "Run fast."'
    )
    assert found == {"p.Sub": "Sub.", "p.Sub.run": "Run fast.", "p.Sub.stop": "Stop."}


def test_members_of_a_deeper_base_go_by_the_subclass_people_know():
    found = names(p="from p.core.a import Sub", p__core="", p__core__a=BASE + "class Sub(Base): pass")
    assert set(found) == {"p.Sub.run", "p.Sub.stop"}


def test_members_behind_an_accessor_go_by_the_way_people_write():
    source = """
    class Words:
        def upper(self):
            "Upper."
    class Column:
        @property
        def str(self) -> Words:
            "Words."
    class Table:
        words = Accessor("words", Words)
    """
    assert {"p.Column.str.upper"} < set(names(p="from .a.b import Column, Table", p__a="", p__a__b=source))


def test_documentation_added_by_calls():
    source = """
    add_newdoc("p", "f", '''
        f(x, /)

        Do f.
        ''')
    add_newdoc("p", "C", ("size", "The size."))
    add_newdoc("p", "C", [("go", "go(a)\\n\\nGo.")])
    add_newdoc("p", name, "made at run time")
    """
    modules = {"p": _modules.read_module("p", textwrap.dedent(source).encode(), package=True)}
    found = _modules.public_names(modules)
    assert {name: (what.kind, what.call, what.doc) for name, what in found.items()} == {
        "p.f": ("function", "(x, /)", "Do f."),
        "p.C.size": ("attribute", None, "The size."),
        "p.C.go": ("method", "(a)", "Go."),
    }


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        pytest.param("a: int, b: str = 'x'", "(a, b='x')", id="annotations go"),
        pytest.param("self, a=_sentinel, *, b=lib.none, **c", "(self, a=..., *, b=..., **c)", id="sentinels"),
        pytest.param("a, /, *b, c=None", "(a, /, *b, c=None)", id="every kind of argument"),
        pytest.param("dtype=np.float64, a=-1", "(dtype=np.float64, a=-1)", id="values that say something stay"),
    ],
)
def test_how_a_function_is_called(arguments, call):
    source = f'def f({arguments}):\n    "F."'
    assert _modules.read_module("p", source.encode(), package=False).definitions["f"].call == call


@pytest.mark.parametrize(
    ("member", "kind", "call"),
    [
        pytest.param("def m(self, a): 'M'", "method", "(a)", id="a method, without self"),
        pytest.param("@staticmethod\n    def m(a): 'M'", "method", "(a)", id="a static method"),
        pytest.param("@property\n    def m(self): 'M'", "attribute", None, id="a property"),
        pytest.param("@cache_readonly\n    def m(self): 'M'", "attribute", None, id="a cached property"),
        pytest.param("def m(self=None, a=1): 'M'", "method", "(a=1)", id="a self with a default"),
        pytest.param("def m(*args): 'M'", "method", "(*args)", id="no self at all"),
        pytest.param("def m(self=None): 'M'", "method", "()", id="nothing but self"),
    ],
)
def test_members(member, kind, call):
    module = _modules.read_module("p", f"class C:\n    {member}".encode(), package=False)
    assert module.definitions["C.m"][2:5] == (kind, "M", call)


def test_a_class_is_called_as_its_init_and_may_be_documented_there():
    module = _modules.read_module("p", b'class C:\n  def __init__(self, a):\n    "Make."', package=False)
    assert module.definitions["C"][2:5] == ("class", "Make.", "(a)")
