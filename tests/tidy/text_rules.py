"""Rules of tidy about the text of single files."""
import re

LINE_MAX = 100
FUNCTION_MAX = 70
FILE_MAX = 600
PARAMETERS_MAX = 5
NESTING_MAX = 3

# Functions that were too long when the rule came: they may shrink, none may join them.
RATCHET = {}

# Callbacks whose parameters a library prescribes.
FOREIGN_SIGNATURES = {"extent_alloc", "extent_purge"}

BANNED = {
    "strcpy": "memcpy with a known size", "strcat": "buf", "sprintf": "snprintf or base/number",
    "vsprintf": "vsnprintf", "strtok": "text_split", "atoi": "number_parse", "atol": "number_parse",
    "atof": "number_parse", "strtol": "number_parse", "strtoul": "number_parse",
    "strtoll": "number_parse", "strtoull": "number_parse", "alloca": "mem_try_alloc",
    "gets": "read", "localtime": "localtime_r", "gmtime": "gmtime_r", "ctime": "clock",
    "asctime": "clock", "rand": "base/hash", "srand": "base/hash", "system": "nothing",
    "usleep": "a timer", "sleep": "a timer",
}
ALLOCATION = ("malloc", "calloc", "realloc", "free")
CONTROL = re.compile(r"^\s*(\} )?(if|else|for|while|do|switch)\b.*\{$")


def strip_comments(text):
    """C without comments and without the insides of strings, line structure kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + found[-1]
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def functions(text):
    """(name, parameters, first line, lines) of every function of a formatted C file."""
    lines = strip_comments(text).split("\n")
    index = 0
    while index < len(lines):
        if lines[index] == "{":
            start = index - 1
            while start > 0 and lines[start - 1].strip() and lines[start - 1][0] not in "}#":
                start -= 1
            end = lines.index("}", index) if "}" in lines[index:] else len(lines) - 1
            signature = " ".join(lines[start:index])
            named = re.search(r"(\w+)\((.*)\)", signature)
            if named:
                yield named.group(1), named.group(2), start, lines[start:end + 1]
            index = end
        index += 1


def sources(tree):
    return tree.files(".c", ".h")


def layout(tree):
    """Lines of 100 columns, no tabs, no blanks at the end, a newline at the end of the file."""
    for name, text in tree.texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_MAX and not name.endswith((".txt", ".toml")):
                yield f"{name}:{number}: {len(line)} columns"
            if "\t" in line or line != line.rstrip():
                yield f"{name}:{number}: a tab or trailing blank"
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"


def file_size(tree):
    """Files of at most 600 lines."""
    for name, text in tree.texts.items():
        if text.count("\n") > FILE_MAX and not name.endswith((".txt", ".toml")):
            yield f"{name}: {text.count(chr(10))} lines"


def file_head(tree):
    """Every source opens with a comment that says what it is."""
    for name, text in sources(tree):
        if not text.startswith("/*"):
            yield f"{name}: no comment at its head"
    for name, text in tree.files(".py"):
        if not re.match(r'(#!.*\n)?"""', text):
            yield f"{name}: no docstring at its head"


def function_size(tree):
    """Functions of at most 70 lines, 5 parameters and 3 levels of nesting."""
    for name, text in tree.files(".c"):
        for function, parameters, start, lines in functions(text):
            place = f"{name}:{start + 1}: {function}"
            if len(lines) > RATCHET.get((name, function), FUNCTION_MAX):
                yield f"{place}: {len(lines)} lines"
            if (function not in FOREIGN_SIGNATURES and
                    parameters.count(",") - parameters.count(", ...") >= PARAMETERS_MAX):
                yield f"{place}: {parameters.count(',') + 1} parameters"
            if nesting(lines) > NESTING_MAX:
                yield f"{place}: nested {nesting(lines)} deep"


def nesting(lines):
    """The deepest nesting of control statements, by the indentation of what opens them."""
    depths = [(len(line) - len(line.lstrip())) // 4 for line in lines if CONTROL.match(line)]
    return max(depths, default=0)


def banned_calls(tree):
    """No banned call, and allocation only through base/mem."""
    for name, text in tree.files(".c", ".h", below="src/"):
        code = strip_comments(text)
        banned = dict(BANNED)
        if not re.match(r"src/base/mem\w*\.c$", name):
            banned.update({call: "base/mem" for call in ALLOCATION})
        for match in re.finditer(r"(?<![\w.>])(\w+)\(", code):
            if match.group(1) in banned:
                line = code.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {match.group(1)}: use {banned[match.group(1)]}"


def types(tree):
    """No typedef of a struct, no type name of ours that ends in _t."""
    for name, text in tree.files(".c", ".h"):
        for match in re.finditer(r"\btypedef\s+(struct|union|enum)\b[^;(]*;|\btypedef\b[^;]*\w+_t;",
                                 strip_comments(text)):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {match.group(0)[:60]}"


def left_over(tree):
    """Nothing left over: notes to finish later, names of the place it was written in."""
    words = re.compile("TO" + r"DO\b|\bFIX" + r"ME\b|\.\./sha" + r"red|/wo" + r"rk/")
    for name, text in tree.texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            if words.search(line):
                yield f"{name}:{number}: {line.strip()[:80]}"


RULES = [layout, file_size, file_head, function_size, banned_calls, types, left_over]
