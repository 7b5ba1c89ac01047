"""What a chat template uses that llama.cpp's own Jinja engine does not know; found in its syntax tree.

The lists are those of common/jinja of llama.cpp (runtime.cpp, value.cpp, parser.cpp) as in
llama-cpp-python 0.3.36. What that engine knows as a method it knows as a filter too.
"""

from jinja2 import nodes

BUILTINS = set(
    # of numbers, texts, lists, mappings (value.cpp, get_builtins); trim, count, d (runtime.cpp)
    """abs append capitalize count d default dictsort endswith first float format get indent int
    items join keys last length list lower lstrip map max min pop reject rejectattr replace reverse
    rsplit rstrip safe select selectattr slice sort split startswith string strip title tojson trim
    upper values""".split())
TESTS = set(
    """boolean callable defined divisibleby eq equalto even false float ge greaterthan gt in integer
    iterable lessthan lower lt mapping ne none number odd sameas sequence string test true
    undefined upper""".split())
FUNCTIONS = {"raise_exception", "dict", "namespace", "strftime_now", "range", "tojson", "caller"}
LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem",
        "nextitem"}
STATEMENTS = {
    nodes.Include: "include", nodes.Import: "import", nodes.FromImport: "from ... import",
    nodes.Extends: "extends", nodes.Block: "block", nodes.With: "with",
    nodes.ScopedEvalContextModifier: "autoescape", nodes.FloorDiv: "//", nodes.Pow: "**"}


def unknown_to_llama_cpp(tree, tokens):
    """(what, line) of each, in the order of the text; `tokens`: the lexer's."""
    found = set(statements(tree)) | set(filters_and_tests(tree)) | set(calls(tree))
    found |= {("tag 'raw'", line) for line, kind, _ in tokens if kind == "raw_begin"}
    return sorted(found, key=lambda each: (each[1], each[0]))


def statements(tree):
    for kind, name in STATEMENTS.items():
        for node in tree.find_all(kind):
            yield f"{'operator' if name in ('//', '**') else 'tag'} '{name}'", node.lineno
    for node in tree.find_all(nodes.For):
        if node.recursive:
            yield "tag 'for ... recursive'", node.lineno


def filters_and_tests(tree):
    for node in tree.find_all(nodes.Filter):
        if node.name not in BUILTINS:
            yield f"filter '{node.name}'", node.lineno
    for node in tree.find_all(nodes.Test):
        if node.name not in TESTS:
            yield f"test '{node.name}'", node.lineno


def calls(tree):
    """Functions and methods; a macro or a value of the template's own is nobody's feature."""
    own = {node.name for node in tree.find_all(nodes.Macro)}
    own |= {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    for node in tree.find_all(nodes.Call):
        callee = node.node
        if isinstance(callee, nodes.Name) and callee.name not in FUNCTIONS | own:
            yield f"function '{callee.name}'", node.lineno
        if isinstance(callee, nodes.Getattr) and callee.attr not in BUILTINS:
            yield f"method '{callee.attr}'", node.lineno
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == "loop" and node.attr not in LOOP:
            yield f"'loop.{node.attr}'", node.lineno


def forbidden_names(tree):
    """(name, line) of what reaches for Python's insides, also where it is not run here."""
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if isinstance(name, str) and name.startswith("__") and name.endswith("__"):
            yield name, node.lineno


# --- how a template takes the arguments of a tool call --------------------------------------------


def argument_aliases(tree):
    """Names that were set to a call's arguments: {% set _args = call.arguments or {} %}."""
    return {node.target.name for node in tree.find_all(nodes.Assign)
            if isinstance(node.target, nodes.Name) and mentions_arguments(node.node, set())
            and isinstance(node.node, (nodes.Getattr, nodes.Getitem, nodes.Or))}


def mentions_arguments(node, aliases):
    if isinstance(node, nodes.Or):
        return mentions_arguments(node.left, aliases)
    if isinstance(node, nodes.Getattr):
        return node.attr == "arguments"
    if isinstance(node, nodes.Getitem):
        return getattr(node.arg, "value", None) == "arguments"
    return isinstance(node, nodes.Name) and node.name in aliases


def argument_uses(tree):
    """What is done to arguments -> lines: "items", "mapping", "tojson"."""
    aliases = argument_aliases(tree)
    uses = {}

    def note(use, node, arguments):
        if mentions_arguments(arguments, aliases):
            uses.setdefault(use, []).append(node.lineno)

    for node in tree.find_all((nodes.Filter, nodes.Test)):
        note(node.name, node, node.node)
    for node in tree.find_all(nodes.Call):
        if isinstance(node.node, nodes.Getattr):
            note(node.node.attr, node, node.node.node)
    return uses
