#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what people install: the Debian package, the systemd unit, the root of the image, and its list of libraries.

    run.py BUILD        BUILD has the sandbox; build/package is what `./dev package` made. It is built again elsewhere.

A check without its tools is skipped with a word. Exits with 0 if none failed.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGING = ROOT / "packaging"
sys.path[:0] = [str(ROOT / "tests/e2e"), str(PACKAGING)]
import harness  # noqa: E402
import sbom  # noqa: E402

COMMAND_S = 900
WORST_EXPOSURE = 1.5     # of systemd-analyze security
LARGEST_ROOT = 60 << 20  # bytes, as a compressed image
NOBODY = 65532


class Failed(Exception):
    """A check that found something, with its text."""


class Skipped(Exception):
    """A tool or a right is missing."""


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=COMMAND_S, check=False, **options)
    return done.returncode, done.stdout


def want(*words, **options):
    code, output = run(*words, **options)
    if code != 0:
        raise Failed(f"{' '.join(map(str, words))} ends with {code}: {output[-2000:]}")
    return output


def need(tool):
    if not shutil.which(tool):
        raise Skipped(f"{tool} is not installed")


def sources(folder):
    """A copy of the files that git knows, or that are new, in another folder."""
    for name in want("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).split("\n"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Packages:
    def __init__(self, build):
        self.build, self.folder = build, harness.work_folder(build, "packaging")
        self.one, self.two = ROOT / "build/package", self.folder / "another-folder"
        self.deb = None

    def check_reproducible(self):
        need("dpkg-shlibdeps")
        epoch = {**os.environ, "SOURCE_DATE_EPOCH": want("git", "log", "-1", "--format=%ct", cwd=ROOT).strip()}
        for old in (self.two, self.folder / "copy-of-the-sources"):
            shutil.rmtree(old, ignore_errors=True)
        copy = sources(self.folder / "copy-of-the-sources")
        want(copy / "packaging/build.sh", self.two, "deb", env=epoch)
        for pattern in ("src/app/caseload", "packaging/caseload.spdx.json", "*.deb"):
            first, second = (next(folder.glob(pattern)) for folder in (self.one, self.two))
            if digest(first) != digest(second):
                raise Failed(f"{first.name} differs between two builds in two folders: {first} {second}")
            self.deb = first
        if str(ROOT).encode() in (self.one / "src/app/caseload").read_bytes():
            raise Failed("the binary contains the path of its sources")

    def check_package(self):
        if not self.deb:
            raise Skipped("no package was built")
        files = {line.split()[-1] for line in want("dpkg-deb", "-c", self.deb).splitlines()}
        for name in ("usr/bin/caseload", "usr/lib/systemd/system/caseload.service", "usr/share/doc/caseload/copyright",
                     "usr/share/doc/caseload/README.md", "usr/share/doc/caseload/caseload.spdx.json",
                     "usr/share/doc/caseload/examples/caseload.json", "usr/share/man/man1/caseload.1",
                     "usr/share/bash-completion/completions/caseload", "usr/share/zsh/vendor-completions/_caseload",
                     "usr/share/fish/vendor_completions.d/caseload.fish"):
            if "./" + name not in files:
                raise Failed(f"the package lacks {name}")
        fields = want("dpkg-deb", "-f", self.deb)
        for word in ("Maintainer: ", "libgrpc29", "libcurl4", "libjansson4", "libprotobuf-c1", "tzdata", "ca-certificates"):
            if word not in fields:
                raise Failed(f"the package's control file lacks {word}: {fields}")
        want("dpkg-deb", "-x", self.deb, self.folder / "installed")
        version = re.search(r"^project\(caseload VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
        if want(self.folder / "installed/usr/bin/caseload", "version").strip() != f"caseload {version}":
            raise Failed("the installed binary has another version")

    def check_unit(self):
        need("systemd-analyze")
        if not self.deb:
            raise Skipped("no package was built")
        unit = self.folder / "installed/usr/lib/systemd/system/caseload.service"
        output = want("systemd-analyze", "security", "--offline=true", unit)
        exposure = float(re.search(r"exposure level for caseload.service: ([\d.]+)", output)[1])
        if exposure > WORST_EXPOSURE:
            raise Failed(f"systemd-analyze security gives {exposure}; at most {WORST_EXPOSURE} is wanted")
        complaints = [line for line in run("systemd-analyze", "verify", "--man=no", unit)[1].splitlines()
                      if "caseload.service" in line and "is not executable" not in line]
        if complaints:
            raise Failed("\n".join(complaints))
        return f"exposure {exposure}"

    def check_sbom(self):
        binary = self.one / "src/app/caseload"
        if not binary.exists():
            raise Skipped("no binary was built")
        document = json.loads((self.one / "packaging/caseload.spdx.json").read_text())
        listed = {package["name"].split(":")[0]: package for package in document["packages"]}
        if listed["caseload"]["checksums"][0]["checksumValue"] != digest(binary):
            raise Failed("the SPDX document is of another binary")
        for path in sbom.libraries(binary):
            if sbom.package_of(path)[0].split(":")[0] not in listed:
                raise Failed(f"the SPDX document does not list {path}")
        return f"{len(listed) - 1} packages"

    def check_root(self):
        binary, root = self.one / "src/app/caseload", self.folder / "root"
        if os.geteuid() != 0:
            raise Skipped("it needs root, for chroot")
        if not binary.exists():
            raise Skipped("no binary was built")
        want(PACKAGING / "root.sh", binary, root)
        for path in root.rglob("*"):
            if path.is_file() and path.stat().st_mode & 0o6000:
                raise Failed(f"{path} is setuid or setgid")
            if path.name in ("sh", "bash", "dash", "busybox", "perl"):
                raise Failed(f"{path} is in the image")
        size = int(want("sh", "-c", f"tar -C '{root}' -c . | gzip -1 | wc -c"))
        if size > LARGEST_ROOT:
            raise Failed(f"the image has {size} bytes, more than {LARGEST_ROOT}")
        self.load_in(root)
        return f"{size / (1 << 20):.0f} MiB compressed"

    def load_in(self, root):
        """A whole load inside of the root, as another user than root."""
        box = harness.Sandbox(self.build, harness.work_folder(self.build, "packaging-root"), database=":memory:")
        try:
            box.post("/control/workspace", {"fill": {"kind": "contacts", "from": "2026-01-05", "to": "2026-03-01", "count": 50}})
            (root / "config/caseload.json").write_text(json.dumps(harness.base_config(box)))
            want("chroot", f"--userspec={NOBODY}:{NOBODY}", root, "/usr/bin/caseload", "run", "--config",
                 "/config/caseload.json", env=harness.environment(box))
            rows = box.query("SELECT COUNT(*) FROM intercom.contacts")
            if rows != [["50"]]:
                raise Failed(f"50 contacts were to be loaded; the table has {rows}")
        finally:
            box.stop()

    def check_dockerfile(self):
        text = (ROOT / "Dockerfile").read_text()
        for word in (f"USER {NOBODY}:{NOBODY}", "FROM scratch", 'ENTRYPOINT ["/usr/bin/caseload"]',
                     "org.opencontainers.image.licenses"):
            if word not in text:
                raise Failed(f"the Dockerfile lacks {word}")
        known = set(want("bash", "-c", "source <(sed -n '/^packages()/,/^}/p' dev); packages", cwd=ROOT).split())
        wanted = set(re.findall(r"\b(?:lib[\w.+-]+-dev|cmake|gcc|ninja-build|pkg-config|protobuf-[\w-]+)\b", text))
        if not wanted - {"libc6-dev"} <= known:
            raise Failed(f"./dev install does not install {wanted - known}")
        if not shutil.which("docker") or run("docker", "info")[0] != 0:
            raise Skipped("the file is checked; no engine runs that would build it")
        want("docker", "build", "-q", ".", cwd=ROOT)


def main():
    packages = Packages(pathlib.Path(sys.argv[1]).resolve())
    checks = {"two builds, the same bytes": packages.check_reproducible, "Debian package": packages.check_package,
              "systemd unit": packages.check_unit, "SPDX document": packages.check_sbom,
              "root of the image": packages.check_root, "Dockerfile": packages.check_dockerfile}
    failed = 0
    for title, check in checks.items():
        try:
            found = check()
            print(f"ok    {title}{': ' + found if found else ''}", flush=True)
        except Skipped as reason:
            print(f"skip  {title}: {reason}", flush=True)
        except (Failed, harness.Failure, OSError, subprocess.TimeoutExpired) as problem:
            failed += 1
            print(f"FAIL  {title}: {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
