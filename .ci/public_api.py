"""Prints the public API of the library, one line per item, from the JSON of rustdoc.

Usage: public_api.py target/doc/confluent_metrics.json

Fails if the API names a type or a trait of another package than the standard library. The traits
of serde that data types implement are the exception. The JSON is described at
https://docs.rs/rustdoc-types; the format may change with every release of Rust.
"""

import json
import re
import sys

FORMAT = 57
STANDARD = {"std", "core", "alloc"}
SERDE_TRAITS = {"Serialize", "Deserialize"}
# Names that need no path.
PRELUDE = {
    "AsRef", "Box", "Clone", "Copy", "Default", "Drop", "Eq", "Extend", "Fn", "FnMut", "FnOnce", "From",
    "FromIterator", "Into", "IntoIterator", "Iterator", "Option", "Ord", "PartialEq", "PartialOrd", "Result", "Send",
    "Sized", "String", "Sync", "ToOwned", "ToString", "TryFrom", "TryInto", "Vec",
}


class Api:
    def __init__(self, document):
        self.index = document["index"]
        self.paths = document["paths"]
        self.crates = {int(key): crate["name"] for key, crate in document["external_crates"].items()}
        self.names = {}
        self.items = []
        self.foreign = set()
        self.lines = set()
        self.walk(self.item(document["root"]), [])

    def item(self, key):
        return self.index[str(key)]

    def walk(self, module, path):
        """Collects the public items of a module with their public paths."""
        for key in module["inner"]["module"]["items"]:
            item = self.item(key)
            name = item["name"]
            if "use" in item["inner"]:
                use = item["inner"]["use"]
                if use["is_glob"] or str(use["id"]) not in self.index:
                    sys.exit(f"failed: cannot follow `pub use {use['source']}`")
                item, name = self.item(use["id"]), use["name"]
            full = [*path, name]
            if "module" in item["inner"]:
                self.walk(item, full)
            else:
                # A module without items is a guide, which is no part of the API.
                if path:
                    self.lines.add(f"pub mod {'::'.join(path)}")
                self.names.setdefault(item["id"], "::".join(full))
                self.items.append((item, "::".join(full)))

    def path(self, path, as_trait_of_impl=False):
        """Returns the name of a type or a trait with its arguments."""
        key = path["id"]
        arguments = self.arguments(path["args"])
        if key in self.names:
            return self.names[key] + arguments
        summary = self.paths.get(str(key))
        if summary is None:
            sys.exit(f"failed: nothing is known about `{path['path']}`")
        segments = summary["path"]
        crate = self.crates.get(summary["crate_id"])
        name = segments[-1]
        if crate is None:
            self.foreign.add(f"{'::'.join(segments)}, which has no public path")
        elif crate in STANDARD:
            return (name if name in PRELUDE else "::".join(["std", *segments[1:]])) + arguments
        elif as_trait_of_impl and crate in ("serde", "serde_core") and name in SERDE_TRAITS:
            return f"serde::{name}{arguments}"
        else:
            self.foreign.add(f"{'::'.join(segments)} of the package {crate}")
        return "::".join(segments) + arguments

    def arguments(self, arguments):
        if not arguments:
            return ""
        if "parenthesized" in arguments:
            inside = arguments["parenthesized"]
            inputs = ", ".join(map(self.type, inside["inputs"]))
            return f"({inputs}){self.output(inside['output'])}"
        if "angle_bracketed" not in arguments:
            sys.exit(f"failed: unknown arguments {arguments}")
        inside = arguments["angle_bracketed"]
        parts = [self.argument(argument) for argument in inside["args"]]
        for constraint in inside["constraints"]:
            name = constraint["name"] + self.arguments(constraint["args"])
            binding = constraint["binding"]
            if "equality" in binding:
                parts.append(f"{name} = {self.argument(binding['equality'])}")
            else:
                parts.append(f"{name}: {self.bounds(binding['constraint'])}")
        return f"<{', '.join(parts)}>" if parts else ""

    def argument(self, argument):
        if argument == "infer":
            return "_"
        ((kind, value),) = argument.items()
        if kind == "type":
            return self.type(value)
        return value["expr"] if kind == "const" or kind == "constant" else value

    def bounds(self, bounds):
        return " + ".join(map(self.bound, bounds))

    def bound(self, bound):
        if "outlives" in bound:
            return bound["outlives"]
        if "use" in bound:
            return f"use<{', '.join(next(iter(argument.values())) for argument in bound['use'])}>"
        bound = bound["trait_bound"]
        sign = "?" if bound["modifier"] == "maybe" else ""
        return sign + self.for_all(bound["generic_params"]) + self.path(bound["trait"])

    def for_all(self, parameters):
        return f"for{self.parameters(parameters)} " if parameters else ""

    def output(self, output):
        return f" -> {self.type(output)}" if output else ""

    def type(self, type_):
        if type_ == "infer":
            return "_"
        ((kind, value),) = type_.items()
        if kind in ("generic", "primitive"):
            return value
        if kind == "resolved_path":
            return self.path(value)
        if kind == "impl_trait":
            return f"impl {self.bounds(value)}"
        if kind == "dyn_trait":
            traits = [self.for_all(each["generic_params"]) + self.path(each["trait"]) for each in value["traits"]]
            return f"dyn {' + '.join(traits + [value['lifetime']] * bool(value['lifetime']))}"
        if kind == "borrowed_ref":
            lifetime = f"{value['lifetime']} " if value["lifetime"] else ""
            return f"&{lifetime}{'mut ' * value['is_mutable']}{self.type(value['type'])}"
        if kind == "tuple":
            parts = list(map(self.type, value))
            return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
        if kind == "slice":
            return f"[{self.type(value)}]"
        if kind == "array":
            return f"[{self.type(value['type'])}; {value['len']}]"
        if kind == "qualified_path":
            self_type = self.type(value["self_type"])
            if value["trait"] and self_type != "Self":
                self_type = f"<{self_type} as {self.path(value['trait'])}>"
            return f"{self_type}::{value['name']}{self.arguments(value['args'])}"
        if kind == "function_pointer":
            inputs = ", ".join(self.type(each) for _, each in value["sig"]["inputs"])
            return f"{self.for_all(value['generic_params'])}fn({inputs}){self.output(value['sig']['output'])}"
        sys.exit(f"failed: unknown type {kind}")

    def parameters(self, parameters):
        parts = []
        for parameter in parameters:
            ((kind, value),) = parameter["kind"].items()
            if kind == "lifetime":
                outlives = " + ".join(value["outlives"])
                parts.append(parameter["name"] + (f": {outlives}" if outlives else ""))
            elif kind == "const":
                parts.append(f"const {parameter['name']}: {self.type(value['type'])}")
            # `impl Trait` as the type of an argument is a parameter without a name.
            elif not value["is_synthetic"]:
                bounds = self.bounds(value["bounds"])
                default = f" = {self.type(value['default'])}" if value["default"] else ""
                parts.append(parameter["name"] + (f": {bounds}" if bounds else "") + default)
        return f"<{', '.join(parts)}>" if parts else ""

    def where(self, generics):
        parts = []
        for predicate in generics["where_predicates"]:
            ((kind, value),) = predicate.items()
            if kind == "bound_predicate":
                left = self.for_all(value["generic_params"]) + self.type(value["type"])
                parts.append(f"{left}: {self.bounds(value['bounds'])}")
            elif kind == "lifetime_predicate":
                parts.append(f"{value['lifetime']}: {' + '.join(value['outlives'])}")
            else:
                sys.exit(f"failed: unknown predicate {kind}")
        return f" where {', '.join(parts)}" if parts else ""

    def function(self, item, name):
        function = item["inner"]["function"]
        inputs = []
        for argument, type_ in function["sig"]["inputs"]:
            text = self.type(type_)
            if argument == "self" and text in ("Self", "&Self", "&mut Self"):
                inputs.append(text.lower())
            else:
                inputs.append(f"{argument}: {text}")
        const = "const " if function["header"]["is_const"] else ""
        generics = function["generics"]
        return (
            f"pub {const}fn {name}{self.parameters(generics['params'])}({', '.join(inputs)})"
            f"{self.output(function['sig']['output'])}{self.where(generics)}"
        )

    def fields(self, keys, name):
        for key in keys:
            # A private field of a tuple is null.
            if key is not None:
                field = self.item(key)
                self.lines.add(f"pub {name}::{field['name']}: {self.type(field['inner']['struct_field'])}")

    def type_item(self, item, name, kind):
        inner = item["inner"][kind]
        mark = "#[non_exhaustive] " if "non_exhaustive" in item["attrs"] else ""
        generics = inner["generics"]
        self.lines.add(f"{mark}pub {kind} {name}{self.parameters(generics['params'])}{self.where(generics)}")
        if kind == "struct" and inner["kind"] != "unit":
            ((form, value),) = inner["kind"].items()
            self.fields(value["fields"] if form == "plain" else value, name)
        for key in inner.get("variants", []):
            self.variant(self.item(key), name)
        for key in inner["impls"]:
            impl = self.item(key)["inner"]["impl"]
            if impl["trait"] is None:
                for member in impl["items"]:
                    self.member(self.item(member), name)

    def variant(self, item, name):
        mark = "#[non_exhaustive] " if "non_exhaustive" in item["attrs"] else ""
        kind = item["inner"]["variant"]["kind"]
        full = f"{name}::{item['name']}"
        if kind == "plain":
            self.lines.add(f"{mark}pub {full}")
            return
        ((form, value),) = kind.items()
        if form == "tuple":
            types = [self.type(self.item(key)["inner"]["struct_field"]) for key in value if key is not None]
            self.lines.add(f"{mark}pub {full}({', '.join(types)})")
        else:
            self.lines.add(f"{mark}pub {full} {{ .. }}")
            self.fields(value["fields"], full)

    def member(self, item, owner):
        name = f"{owner}::{item['name']}"
        if "function" in item["inner"]:
            self.lines.add(self.function(item, name))
        elif "assoc_const" in item["inner"]:
            self.lines.add(f"pub const {name}: {self.type(item['inner']['assoc_const']['type'])}")
        else:
            sys.exit(f"failed: unknown member {name}")

    def trait_impl(self, impl):
        """Adds an implementation of a trait that is written in the library, also by `derive`."""
        generics = impl["generics"]
        trait = self.path(impl["trait"], as_trait_of_impl=True)
        types = []
        for key in impl["items"]:
            item = self.item(key)
            if "assoc_type" in item["inner"]:
                types.append(f"type {item['name']} = {self.type(item['inner']['assoc_type']['type'])}")
        body = f" {{ {'; '.join(types)} }}" if types else ""
        sign = "!" if impl["is_negative"] else ""
        self.lines.add(
            f"impl{self.parameters(generics['params'])} {sign}{trait} for {self.type(impl['for'])}"
            f"{self.where(generics)}{body}"
        )

    def run(self):
        for item, name in self.items:
            ((kind, inner),) = item["inner"].items()
            if kind in ("struct", "enum"):
                self.type_item(item, name, kind)
            elif kind == "function":
                self.lines.add(self.function(item, name))
            elif kind == "constant":
                self.lines.add(f"pub const {name}: {self.type(inner['type'])}")
            else:
                sys.exit(f"failed: unknown kind of item: {kind} {name}")
        for item in self.index.values():
            impl = item["inner"].get("impl")
            if impl is None or impl["trait"] is None or impl["blanket_impl"] is not None or impl["is_synthetic"]:
                continue
            if impl["trait"]["path"].split("::")[-1] != "StructuralPartialEq":
                self.trait_impl(impl)
        return sorted(self.lines, key=sort_key)


def sort_key(line):
    """Sorts the items by their names, and then the implementations of traits."""
    name = re.match(r"(?:#\[non_exhaustive\] )?pub (?:(?:mod|const|fn|struct|enum) )*([\w:]+)", line)
    return (name is None, name.group(1).rstrip(":") if name else line, line)


def main(file):
    with open(file, encoding="utf-8") as opened:
        document = json.load(opened)
    if document["format_version"] != FORMAT:
        sys.exit(f"failed: expected format {FORMAT} of rustdoc's JSON, found {document['format_version']}")
    api = Api(document)
    lines = api.run()
    if api.foreign:
        sys.exit("".join(f"failed: the public API names {each}\n" for each in sorted(api.foreign)))
    print("\n".join(lines))


main(*sys.argv[1:])
