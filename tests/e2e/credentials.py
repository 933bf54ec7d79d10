# SPDX-License-Identifier: Apache-2.0
"""A sandbox with TLS that requires credentials, and the ways in which a worker gets them."""
import json

WAYS = ("self", "exchange", "user", "machine", "federated")
POOL = "projects/123456789012/locations/global/workloadIdentityPools/pool/providers/oidc"
ACCOUNT = "caseload@sandbox.iam.gserviceaccount.com"


def options(folder):
    return ["--auth", "--tls", "--key-file", str(folder / "key.json"), "--ca-file", str(folder / "ca.pem")]


def environment(box):
    """The worker's environment: a credentials file, or the address of a metadata server."""
    if box.way == "machine":
        return {"GCE_METADATA_HOST": f"127.0.0.1:{box.ports['http']}", "HOME": str(box.folder)}
    key = json.loads((box.folder / "key.json").read_text())
    uri = f"https://127.0.0.1:{box.ports['http']}/token"
    if box.way == "exchange":
        key["token_uri"] = uri
    if box.way == "user":
        known = box.get("/control/auth")
        key = {"type": "authorized_user", "token_uri": uri, "quota_project_id": "demo-project",
               **{name: known[name] for name in ("client_id", "client_secret", "refresh_token")}}
    if box.way == "federated":
        url = f"https://127.0.0.1:{box.ports['http']}"
        key = {"type": "external_account", "audience": f"//iam.googleapis.com/{POOL}", "token_url": f"{url}/v1/token",
               "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
               "service_account_impersonation_url":
                   f"{url}/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken",
               "credential_source": {"url": f"{url}/subject?format=json", "headers": {"Metadata": "True"},
                                     "format": {"type": "json", "subject_token_field_name": "access_token"}}}
    path = box.folder / "credentials.json"
    path.write_text(json.dumps(key))
    return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


def config(box):
    url = f"https://127.0.0.1:{box.ports['http']}"
    secret = {"secret": "projects/demo-project/secrets/intercom-token/versions/latest"}
    return {"ca_file": str(box.folder / "ca.pem"),
            "endpoints": {"bigquery": url, "pubsub": f"https://{box.pubsub}", "secretmanager": url,
                          "sts": url, "iamcredentials": url},
            "source": {"base_url": url, box.source.secret: secret}}
