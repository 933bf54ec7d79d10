# SPDX-License-Identifier: Apache-2.0
"""Where no secret may be: output, logs, the journal, written files, the warehouse, arguments and environment of workers.

The sandbox knows every secret of its run: the source's tokens, the service account's key, the user's login, and each
access token it ever issued. Assertions are known by how they begin.
"""
import json
import pathlib

BEGINNINGS = [b"ya29.", b"eyJhbGciOiJSUzI1NiIs"]  # of an access token; of {"alg":"RS256",


def secrets_of(box, source_tokens):
    known = box.get("/control/auth")
    lines = known["service_account"]["private_key"].splitlines()[1:-1]
    words = [*source_tokens, known["source_token"], known["client_secret"], known["refresh_token"], *known["tokens"],
             *lines]
    return [word.encode() for word in words if len(word) >= 12] + BEGINNINGS


def places_of(box, processes, texts):
    """(name, bytes) of everything that a run leaves behind, but for the credentials files it was given."""
    for path in sorted(box.folder.rglob("*")):
        if path.is_file() and path not in box.given:
            yield path.name, path.read_bytes()
    for process in processes:
        for name in ("cmdline", "environ"):
            try:
                yield f"{name} of a worker", pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes()
            except OSError:
                pass  # it has ended
    yield "the journal", json.dumps(box.journal()).encode()
    yield "the messages", json.dumps(box.get("/control/pubsub")).encode()
    for text in texts:
        yield "output", text.encode()


def find(box, source_tokens, processes, texts):
    """Names of the places where a secret is; never the secret itself."""
    secrets = secrets_of(box, source_tokens)
    return sorted({f"{name} (secret {number})" for name, content in places_of(box, processes, texts)
                   for number, secret in enumerate(secrets) if secret in content})


def search(box, source_tokens, processes, texts):
    """None, or where one was found; or that the search itself does not work."""
    found = find(box, source_tokens, processes, texts)
    if found:
        return "secrets are in: " + ", ".join(found)
    secrets = secrets_of(box, source_tokens)
    planted = box.folder / "planted.log"
    planted.write_bytes(b"".join(b"a line with " + secret + b" in it\n" for secret in secrets))
    found = find(box, source_tokens, [], [])
    planted.unlink()
    missed = [number for number in range(len(secrets)) if f"planted.log (secret {number})" not in found]
    return f"the search does not find secrets {missed} in a log" if missed else None
