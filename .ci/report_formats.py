"""Reads the reports of metric_gate with other parsers than ours.

The first argument is the folder that `reports_are_written_for_other_parsers` fills: one report per
format, and the name of the check. Each format must give back every series with its name and status. XML and JSON are
read by Python, GitHub annotations and performance data by their documented grammar.
"""
import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree

folder = pathlib.Path(sys.argv[1])


def read(name):
    return (folder / name).read_bytes().decode()


name = read("name")
label = "metric.consumer_group_id"
expected = {name: "CRITICAL", "gone": "UNKNOWN", "plain": "OK"}


def label_value(text):
    """The value of the one label in {name="value"}, as Rust escapes it."""
    value = re.fullmatch(r'\{%s="((?:[^"\\]|\\.)*)"\}' % re.escape(label), text, re.S).group(1)
    plain = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}

    def unescape(match):
        if match.group(2):
            return chr(int(match.group(2), 16))
        return plain.get(match.group(1), match.group(1))

    return re.sub(r"\\(u\{([0-9a-f]+)\}|.)", unescape, value)


def check_series(what, found, wanted=expected):
    assert found == wanted, f"{what}: expected {wanted!r}, found {found!r}"
    print(f"{what}: {len(found)} series, with their names")


report = json.loads(read("json"))
(check,) = report["checks"]
assert (check["name"], report["exit_code"], report["status"]) == (name, 2, "CRITICAL"), report
check_series("JSON", {finding["labels"][label]: finding["status"] for finding in check["findings"]})

suites = xml.etree.ElementTree.fromstring(read("junit"))
(suite,) = suites
assert (suite.get("name"), suites.get("failures"), suites.get("errors"), suites.get("tests")) == (name, "1", "1", "3")
cases = {}
for case in suite.iter("testcase"):
    assert case.get("classname") == name
    bad = [child for child in case if child.tag in ("failure", "error")]
    assert [child.tag for child in bad] in ([], ["failure"], ["error"])
    cases[label_value(case.get("name"))] = bad[0].get("type") if bad else "OK"
check_series("JUnit", cases)



def annotation_text(text):
    """Decodes what the runner of GitHub Actions decodes."""
    for escape, plain in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, plain)
    return text


annotations = {}
for line in read("github").splitlines():
    command, title, message = re.fullmatch(r"::(error|warning|notice) title=([^:,]*)::(.*)", line).groups()
    assert annotation_text(title) == name.replace("\n", "\\n"), title
    status, labels = re.fullmatch(r"(CRITICAL|UNKNOWN): (\{.*\}): .*", annotation_text(message)).groups()
    annotations[label_value(labels)] = status
    assert command == "error"
check_series("GitHub", annotations, {series: status for series, status in expected.items() if status != "OK"})

number = r"-?[0-9]+(?:\.[0-9]+)?"
range_ = r"@?(?:(?:~|-?[0-9.]+):)?(?:-?[0-9.]+)?"
datum = rf"('(?:[^'=]|'')*'|[^ '=]+)=({number}|U)(?:s|us|ms|%|B|KB|MB|TB|c)?;({range_});({range_})"
(line,) = read("nagios").splitlines()
text, data = re.fullmatch(r"([^|]*) \| ([^|]*)", line).groups()
assert text.startswith("CRITICAL: "), text
assert re.fullmatch(rf"{datum}(?: {datum})*", data), data
values = {}
for quoted, value, warning, critical in re.findall(datum, data):
    plain = quoted[1:-1].replace("''", "'") if quoted.startswith("'") else quoted
    values[urllib.parse.unquote(plain)] = value
    assert (warning, critical) == ("~:10", "~:20")
check_series("plugin", values, {name: "25", "gone": "U", "plain": "5"})


def code(text):
    """Returns the content of a cell that is one code span."""
    delimiter = re.match("`+", text).group()
    content = text[len(delimiter):-len(delimiter)]
    assert text.endswith(delimiter) and delimiter not in content, text
    return content[1:-1] if content.startswith(" ") else content


rows = {}
for line in read("markdown").splitlines():
    if re.match(r"\| (OK|CRITICAL|UNKNOWN|WARNING) ", line):
        cells = [cell.strip(" ") for cell in line.split("|")][1:-1]
        assert len(cells) == 6 and not re.search(r"[`*_\[\]<>]", "".join(cells[:1] + cells[2:])), line
        rows[label_value(code(cells[1]))] = cells[0]
check_series("Markdown", rows)

lines = re.findall(r"^  (OK|CRITICAL|UNKNOWN|WARNING) .*?  (\{.*?\"\}): ", read("text"), re.M)
check_series("text", {label_value(labels): status for status, labels in lines})
