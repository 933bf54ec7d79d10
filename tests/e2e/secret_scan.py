# SPDX-License-Identifier: Apache-2.0
"""Searches output, logs, journal, files, warehouse, and the workers' arguments and environment for secrets.

The sandbox knows all secrets of its run: tokens of the source, the key of the service account, the user's login, and
every access token that it issued. JWT assertions are recognised by their first bytes.
"""
import json
import pathlib

BEGINNINGS = [b"ya29.", b"eyJhbGciOiJSUzI1NiIs",  # an access token; {"alg":"RS256",
              b"hs-access-", b"hs-refresh-"]  # Help Scout's, as the sandbox makes them


def secrets_of(box, source_tokens):
    known = box.get("/control/auth")
    account = known["service_account"]  # None: Google's services want no credentials
    lines = account["private_key"].splitlines()[1:-1] if account else []
    words = [*source_tokens, known["source_token"], known["subject_token"], known["client_secret"],
             known["refresh_token"], *known["tokens"], *lines]
    return [word.encode() for word in words if len(word) >= 12] + BEGINNINGS


def places_of(box, processes, texts):
    """(name, bytes) of everything that a run writes, without the credentials files that it was given."""
    for path in sorted(box.folder.rglob("*")):
        if path.is_file() and path not in box.given:
            yield path.name, path.read_bytes()
    for process in processes:
        for name in ("cmdline", "environ"):
            try:
                yield f"{name} of a worker", pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes()
            except OSError:
                pass  # the process has ended
    yield "the journal", json.dumps(box.journal()).encode()
    yield "the messages", json.dumps(box.get("/control/pubsub")).encode()
    for text in texts:
        yield "output", text.encode()


def find(box, source_tokens, processes, texts):
    """Names of the places that contain a secret; never the secret itself."""
    secrets = secrets_of(box, source_tokens)
    return sorted({f"{name} (secret {number})" for name, content in places_of(box, processes, texts)
                   for number, secret in enumerate(secrets) if secret in content})


def search(box, source_tokens, processes, texts):
    """None, or the places that contain one. A planted secret proves first that the search works."""
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
