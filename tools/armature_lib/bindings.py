# SPDX-License-Identifier: Apache-2.0
"""The schemas of dts/bindings: which properties and devices exist, and the dt-schema run over a description."""
import difflib
import glob
import os
import re
import shutil
import tempfile

from .base import ROOT, Refused, program_required, program_run

FOLDER = os.path.join(ROOT, "dts", "bindings")
SUPPORT = ("fixed-clock", "fixed-factor-clock", "simple-bus", "simple-mfd", "regulator-fixed", "operating-points-v2",
           "gpio-keys")
VM_SCHEMA, VDEV_SCHEMA = "armature,vm.yaml", "armature,vdev.yaml"


class Bindings:
    """
    What the schemas name. They are the one place where a property or a device is made known. `extra`: folders with the schemas
    of vdevs from outside the tree.
    """

    def __init__(self, extra=()):
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
        self.schemas, self.paths = {}, {}
        for path in schema_paths(extra):
            name = os.path.basename(path)
            if name in self.paths:
                raise Refused(f"the schema '{path}': '{self.paths[name]}' has the same name")
            self.paths[name] = path
            try:
                with open(path, encoding="utf-8") as file:
                    schema = YAML(typ="safe").load(file)
            except (OSError, YAMLError, UnicodeDecodeError) as error:
                raise Refused(f"the schema '{path}': {' '.join(str(error).split())}") from None
            if not isinstance(schema, dict):
                raise Refused(f"the schema '{path}': no schema in it")
            for key in ("properties", "patternProperties"):
                if not isinstance(schema.get(key, {}), dict):
                    raise Refused(f"the schema '{path}': its {key} are no mapping")
            self.schemas[name] = schema
        for name in (VM_SCHEMA, VDEV_SCHEMA):
            if name not in self.schemas:
                raise Refused(f"the schema '{os.path.join(FOLDER, name)}' is missing")

    def vm_properties(self):
        return self.properties(self.schemas[VM_SCHEMA])

    def child_properties(self, child):
        """Of a VM's own children: 'memory', 'chosen', 'armature,reserve'."""
        schema = self.schemas[VM_SCHEMA]
        for pattern, sub in {**schema.get("properties", {}), **schema.get("patternProperties", {})}.items():
            if isinstance(sub, dict) and sub.get("type") == "object" and re.search(pattern, child):
                return self.properties(sub)
        return set()

    def device_schema(self, compatible, device=None):
        """
        The schema for a device with one of these compatible strings; None: nobody knows it. One that is for any compatible goes by
        the node's armature,device.
        """
        for schema in self.schemas.values():
            named = schema.get("properties", {}).get("armature,device")
            if device and not self.compatibles(schema) and isinstance(named, dict) and device in named.get("enum", ()):
                return schema
        for schema in self.schemas.values():
            if set(compatible) & set(self.compatibles(schema)):
                return schema
        return None

    def is_support(self, schema):
        """No vdev's: nobody's, or of a node that goes into the guest's tree as it is."""
        return schema is None or set(self.compatibles(schema)) <= set(SUPPORT)

    def device_properties(self, schema):
        common = self.properties(self.schemas[VDEV_SCHEMA])
        return common | (self.properties(schema) if schema else set())

    def devices(self):
        return sorted({c for schema in self.schemas.values() for c in self.compatibles(schema)
                       if not c.startswith("armature,vm")})

    @staticmethod
    def properties(schema):
        return {name for name, sub in schema.get("properties", {}).items()
                if not (isinstance(sub, dict) and sub.get("type") == "object") and not name.startswith("$")}

    @staticmethod
    def compatibles(schema):
        """All strings that the schema's `compatible` can hold first, at any depth of oneOf, items and enum."""
        todo, found = [schema.get("properties", {}).get("compatible", {})], []  # `true` is any: none by name
        while todo:
            part = todo.pop()
            if isinstance(part, list):
                todo += part
            elif isinstance(part, dict):
                if "const" in part:
                    found.append(part["const"])
                found += part.get("enum", [])
                items = part.get("items")
                todo += items[:1] if isinstance(items, list) else [items]
                todo += [part.get(key) for key in ("contains", "oneOf", "anyOf", "allOf")]
        return found


def schema_paths(extra):
    """The files of dts/bindings and of the folders given by --bindings."""
    paths = sorted(glob.glob(os.path.join(glob.escape(FOLDER), "*.yaml")))
    for folder in extra:
        found = sorted(glob.glob(os.path.join(glob.escape(folder), "*.yaml")))
        if not found:
            raise Refused(f"--bindings '{folder}': " + ("no .yaml file in it" if os.path.isdir(folder) else "no such folder"))
        paths += found
    return paths


def nearest(name, known):
    """'; the nearest known one is ...' or nothing."""
    close = difflib.get_close_matches(name, sorted(known), 1, 0.4)
    return f"; the nearest known one is '{close[0]}'" if close else ""


def schema_run(dtb_path, extra=()):
    """dt-schema's remarks on a compiled description, a list of lines. It reads one folder, so all schemas are put into one."""
    with tempfile.TemporaryDirectory(prefix="armature-") as folder:
        paths = schema_paths(extra)
        for path in paths:
            shutil.copy(path, folder)
        program_required("dt-validate", "dt-schema")
        try:
            _, messages = program_run(["dt-validate", "-s", folder, "-l", folder, "-m", dtb_path], "dt-schema", "dt-validate")
        except Refused as crash:  # a traceback; other faults of the description are told with it
            return [f"dt-schema could not read it: {str(crash).splitlines()[-1]}"]
        for path in paths:
            messages = messages.replace(os.path.join(folder, os.path.basename(path)), path)
    return [f"dt-schema: {remark}" for remark in remarks_parse(messages, dtb_path)]


def remarks_parse(messages, dtb_path):
    """One remark a line, without the file's name and the 'From schema' line."""
    remarks = []
    for line in messages.splitlines():
        if line.startswith("\tFrom schema:"):
            continue
        if line.startswith(("\t", " ")) and remarks:
            remarks[-1] += " " + line.strip()
        elif line.strip():
            remarks.append(re.sub(r"^" + re.escape(os.path.abspath(dtb_path)) + r":|^" + re.escape(dtb_path) + r":(\d+:\d+:)?",
                                  "", line).strip())
    return remarks
