"""Prints an SPDX document of an executable, from the files that the linker read. See hack/sbom."""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

from spdx_tools.spdx.model import (
    Actor, ActorType, Checksum, ChecksumAlgorithm, CreationInfo, Document, ExternalPackageRef, ExternalPackageRefCategory, Package,
    PackagePurpose, Relationship, RelationshipType, SpdxNoAssertion)
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked_files(product):
    """The files in the linker's dependency file, which has make's format."""
    text = pathlib.Path(".build/%s.link" % product).read_text().replace("\\\n", " ")
    return [path.replace("\\ ", " ") for path in re.split(r"(?<!\\)\s+", text.split(":", 1)[1].split("\n\n")[0]) if path]


def sources_of_objects():
    """A source file of each object file, from the plan of the build. Its members are JSON, each in a line."""
    sources, inputs = {}, []
    for line in open(".build/release.yaml"):
        if line.startswith("    inputs: "):
            inputs = json.loads(line.split(": ", 1)[1])
        elif line.startswith("    outputs: "):
            for output in json.loads(line.split(": ", 1)[1]):
                if output.endswith(".o") and inputs:
                    sources.setdefault(output, inputs[0])
    return sources


def swift_packages(files):
    """The packages whose objects are among the files: name, location and version."""
    state = json.load(open(".build/workspace-state.json"))["object"]["dependencies"]
    packages = {item["subpath"]: item for item in state}
    sources, found = sources_of_objects(), {}
    for file in files:
        match = re.search(r"/\.build/checkouts/([^/]+)/", sources.get(file, ""))
        if match:
            item = packages[match[1]]
            found[item["packageRef"]["identity"]] = (
                item["packageRef"]["location"].removesuffix(".git"), item["state"]["checkoutState"]["version"])
    return [(name, *found[name]) for name in sorted(found)]


def debian_packages(files):
    """The Debian packages of the files: name and version."""
    # Debian's database may have a path as it was before /lib became a link to /usr/lib.
    paths = {str(pathlib.Path(file).resolve()) for file in files}
    paths |= {path.removeprefix("/usr") for path in paths}
    lines = subprocess.run(["dpkg", "-S", *sorted(paths)], capture_output=True, text=True).stdout.splitlines()
    names = {line.split(": ")[0].split(",")[0] for line in lines if ": " in line}
    return sorted((name.split(":")[0], run("dpkg-query", "-W", "-f", "${Version}", name)) for name in names)


def main(product, executable):
    version = re.search(r'current = "(.+)"', pathlib.Path("Sources/Primitives/ProductVersion.swift").read_text()).group(1)
    content = pathlib.Path(executable).read_bytes()
    files = linked_files(product)
    system = [file for file in files if file.startswith(("/usr/", "/lib")) and not file.startswith("/usr/lib/swift")]
    toolchain = re.search(r"Swift version (\S+)", run("swift", "--version")).group(1)
    # https://reproducible-builds.org/specs/source-date-epoch/
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or run("git", "log", "-1", "--format=%ct"))
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).replace(tzinfo=None)

    def package(name, version, location, url, purpose=PackagePurpose.LIBRARY):
        identifier = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)
        reference = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", url)
        return Package(
            identifier, name, location, version=version, files_analyzed=False, primary_package_purpose=purpose,
            external_references=[reference])

    us = package(product, version, SpdxNoAssertion(), "pkg:generic/rollcall/%s@%s" % (product, version), PackagePurpose.APPLICATION)
    us.checksums = [Checksum(ChecksumAlgorithm.SHA256, hashlib.sha256(content).hexdigest())]
    parts = []
    for name, location, number in swift_packages(files):
        url = "pkg:swift/%s@%s" % (location.removeprefix("https://"), number)
        parts.append((package(name, number, "git+%s@%s" % (location, number), url), RelationshipType.STATIC_LINK))
    parts.append((package("swift-runtime", toolchain, SpdxNoAssertion(), "pkg:generic/swift@" + toolchain), RelationshipType.STATIC_LINK))
    archives = debian_packages([file for file in system if file.endswith((".a", ".o"))])
    libraries = debian_packages([file for file in system if ".so" in pathlib.Path(file).name])
    for found, relation in ((archives, RelationshipType.STATIC_LINK), (libraries, RelationshipType.DYNAMIC_LINK)):
        for name, number in found:
            # A package with both, such as libc6-dev.
            if name not in [part.name for part, _ in parts]:
                parts.append((package(name, number, SpdxNoAssertion(), "pkg:deb/debian/%s@%s" % (name, number)), relation))

    name = "%s-%s" % (product, version)
    creation = CreationInfo(
        "SPDX-2.3", "SPDXRef-DOCUMENT", name, "https://rollcall.dev/spdx/%s-%s" % (name, us.checksums[0].value[:16]),
        [Actor(ActorType.TOOL, "hack/sbom")], created)
    relations = [Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, us.spdx_id)]
    relations += [Relationship(us.spdx_id, relation, part.spdx_id) for part, relation in parts]
    document = Document(creation, [us] + [part for part, _ in parts], relationships=relations)
    if problems := validate_full_spdx_document(document):
        sys.exit("\n".join("error: %s" % problem.validation_message for problem in problems))
    write_document_to_stream(document, sys.stdout, validate=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
