#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the SPDX 2.3 document of a binary: caseload and the Debian packages of the libraries that it loads.

    sbom.py BINARY VERSION

The same binary on the same system gives the same text; the time is SOURCE_DATE_EPOCH, or 1970.
"""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys


def output(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def libraries(binary):
    """Paths of the shared libraries, as ldd finds them, with links resolved."""
    found = re.findall(r"(?:=> |^\t)(/\S+) \(0x", output("ldd", binary), re.M)
    return sorted({os.path.realpath(path) for path in found})


def package_of(path):
    """(name, version) of the package that owns the file. A merged /usr knows some files without their /usr."""
    for known in (path, re.sub("^/usr", "", path), "/usr" + path):
        done = subprocess.run(["dpkg-query", "-S", known], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            name = done.stdout.split(": ")[0].split(",")[0]
            return tuple(output("dpkg-query", "-W", "-f=${binary:Package}\t${Version}", name).split("\t"))
    sys.exit(f"sbom: no package owns {path}")


def entry(name, version, **more):
    identity = "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)
    return {"SPDXID": identity, "name": name, "versionInfo": version, "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False, **more}


def main():
    binary, version = sys.argv[1:]
    with open(binary, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    packages = sorted({package_of(path) for path in libraries(binary)})
    caseload = entry("caseload", version, licenseConcluded="Apache-2.0", licenseDeclared="Apache-2.0",
                     checksums=[{"algorithm": "SHA256", "checksumValue": digest}])
    others = [entry(name, number, externalRefs=[{
        "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
        "referenceLocator": f"pkg:deb/debian/{name.split(':')[0]}@{number}"}]) for name, number in packages]
    made = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"caseload-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/caseload-{version}-{digest}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: packaging/sbom.py"]},
        "packages": [caseload, *others],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": caseload["SPDXID"]},
                          *({"spdxElementId": caseload["SPDXID"], "relationshipType": "DYNAMIC_LINK",
                             "relatedSpdxElement": other["SPDXID"]} for other in others)],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
