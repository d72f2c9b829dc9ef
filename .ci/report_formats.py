"""Reads the reports of metric_gate with other parsers than ours.

The first argument is the folder that `checks_gate::reports_are_written_for_other_parsers` fills: one report per
format, and the name of the check. Each format must give back every series with its name and status. XML and JSON are
read by Python, GitHub annotations and performance data by their documented grammar.
"""
import json, pathlib, re, sys, urllib.parse, xml.etree.ElementTree

folder = pathlib.Path(sys.argv[1])
read = lambda name: (folder / name).read_bytes().decode()
name, label = read("name"), "metric.consumer_group_id"
expected = {name: "CRITICAL", "gone": "UNKNOWN", "plain": "OK"}

def unquoted(text):
    """The value of the one label in {name="value"}, as Rust escapes it."""
    value = re.fullmatch(r'\{%s="((?:[^"\\]|\\.)*)"\}' % re.escape(label), text, re.S).group(1)
    plain = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
    sign = lambda m: chr(int(m.group(2), 16)) if m.group(2) else plain.get(m.group(1), m.group(1))
    return re.sub(r"\\(u\{([0-9a-f]+)\}|.)", sign, value)

def same(what, found, wanted=expected):
    assert found == wanted, f"{what}: {found!r} is not {wanted!r}"
    print(f"{what}: {len(found)} series, with their names")

report = json.loads(read("json"))
(check,) = report["checks"]
assert (check["name"], report["exit_code"], report["status"]) == (name, 2, "CRITICAL"), report
same("JSON", {finding["labels"][label]: finding["status"] for finding in check["findings"]})

suites = xml.etree.ElementTree.fromstring(read("junit"))
(suite,) = suites
assert (suite.get("name"), suites.get("failures"), suites.get("errors"), suites.get("tests")) == (name, "1", "1", "3")
cases = {}
for case in suite.iter("testcase"):
    assert case.get("classname") == name
    bad = [child for child in case if child.tag in ("failure", "error")]
    assert [child.tag for child in bad] in ([], ["failure"], ["error"])
    cases[unquoted(case.get("name"))] = bad[0].get("type") if bad else "OK"
same("JUnit", cases)

annotations = {}
for line in read("github").splitlines():
    command, title, message = re.fullmatch(r"::(error|warning|notice) title=([^:,]*)::(.*)", line).groups()
    plain = lambda text: text.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert plain(title) == name, title
    status, labels = re.fullmatch(r"(CRITICAL|UNKNOWN): (\{.*\}): .*", plain(message)).groups()
    annotations[unquoted(labels)] = status
    assert command == "error"
same("GitHub", annotations, {series: status for series, status in expected.items() if status != "OK"})

number, span = r"-?[0-9]+(?:\.[0-9]+)?", r"@?(?:(?:~|-?[0-9.]+):)?(?:-?[0-9.]+)?"
datum = rf"('(?:[^'=]|'')*'|[^ '=]+)=({number}|U)(?:s|us|ms|%|B|KB|MB|TB|c)?;({span});({span})"
(line,) = read("nagios").splitlines()
words, data = re.fullmatch(r"([^|]*) \| ([^|]*)", line).groups()
assert words.startswith("CRITICAL: "), words
assert re.fullmatch(rf"{datum}(?: {datum})*", data), data
values = {}
for quoted, value, warning, critical in re.findall(datum, data):
    plain = quoted[1:-1].replace("''", "'") if quoted.startswith("'") else quoted
    values[urllib.parse.unquote(plain)] = value
    assert (warning, critical) == ("~:10", "~:20")
same("plugin", values, {name: "25", "gone": "U", "plain": "5"})

def rendered(text):
    """What GitHub shows of a cell: its escapes undone."""
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

rows = {}
for line in read("markdown").splitlines():
    if re.match(r"\| (OK|CRITICAL|UNKNOWN|WARNING) ", line):
        cells = [cell.strip(" ") for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        assert len(cells) == 6 and not re.search(r"(?<!\\)[`*_\[\]<>]", "".join(cells)), line
        rows[unquoted(rendered(cells[1]))] = cells[0]
same("Markdown", rows)

lines = re.findall(r"^  (OK|CRITICAL|UNKNOWN|WARNING) .*?  (\{.*?\"\}): ", read("text"), re.M)
same("text", {unquoted(labels): status for status, labels in lines})
