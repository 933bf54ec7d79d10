# SPDX-License-Identifier: Apache-2.0
"""What the tests know of each source: its settings against the sandbox, and requests that make and change its records."""

TOKEN = "sandbox-token"


class Source:
    def __init__(self, name, secret, settings, streams, fills, changes, also=None, more=None, skip=()):
        self.name = name
        self.secret = secret  # the setting that says where its secret is
        self.settings = settings  # of the configuration's object "source", beside type, base_url and rate_share
        self.streams = streams  # of a scenario that names none
        self.fills = fills  # by stream: the request that makes its records
        self.changes = changes  # by stream: the request that changes some of them
        self.also = also or {}  # by stream: streams that the comparison with the truth needs
        self.more = more or {}  # settings of a test of each stream
        self.skip = skip  # streams that scenarios of their own test

    def fill(self, stream):
        return self.fills.get(stream, {"touch": {"kind": next(iter(self.fills)), "count": 0}})

    def change(self, stream):
        return self.changes.get(stream, {"touch": {"kind": stream, "count": 3}})


CONVERSATIONS = {"fill": {"kind": "conversations", "from": "2026-01-05", "to": "2026-03-01", "count": 120, "children": 6}}

INTERCOM = Source(
    "intercom", "token", {"token": {"env": "INTERCOM_TOKEN"}}, ["contacts"],
    fills={
        "contacts": {"fill": {"kind": "contacts", "from": "2026-01-05", "to": "2026-03-01", "count": 400}},
        "conversations": CONVERSATIONS,
        "deleted_conversations": CONVERSATIONS,
    },
    changes={
        "contacts": {"touch": {"kind": "contacts", "count": 20}},
        "conversations": {"touch": {"kind": "conversations", "count": 20}},
        "deleted_conversations": {"remove": {"kind": "conversations", "count": 3}},
        "admins": {"fill": {"kind": "admins", "count": 1}},
        "activity_logs": {"fill": {"kind": "activity_logs", "from": "2026-03-01", "to": "2026-03-01", "count": 30}},
    },
    also={"deleted_conversations": ["conversations"]},
    more={"source.custom_objects": ["Order"]})

HELPSCOUT = Source(
    "helpscout", "client_secret", {"client_id": "sandbox-app", "client_secret": {"env": "HELPSCOUT_SECRET"}},
    ["conversations", "conversation_threads"],
    fills={
        "conversations": {"fill": {"kind": "conversations", "from": "2026-01-05", "to": "2026-03-01", "count": 150}},
        "customers": {"fill": {"kind": "customers", "from": "2026-01-05", "to": "2026-03-01", "count": 400}},
        "happiness_ratings": {"fill": {"kind": "happiness_ratings", "from": "2026-01-05", "to": "2026-03-01", "count": 260}},
    },
    changes={
        "conversations": {"touch": {"kind": "conversations", "count": 20}},
        "customers": {"touch": {"kind": "customers", "count": 20}},
        "happiness_ratings": {"fill": {"kind": "happiness_ratings", "from": "2026-03-01", "to": "2026-03-01", "count": 30}},
    })

REPORTS = ["calls", "call_legs", "chats", "chat_messages", "offline_messages", "goals", "communications", "visitor_sessions",
           "financial_call_legs"]

COMAGIC = Source(
    "comagic", "token", {"token": {"env": "COMAGIC_TOKEN"}}, ["calls"],
    fills={name: {"fill": {"kind": name, "from": "2026-01-05", "to": "2026-03-01", "count": 60}} for name in REPORTS},
    changes={name: {"fill": {"kind": name, "from": "2026-03-01", "to": "2026-03-01", "count": 20}} for name in REPORTS},
    skip=("campaign_daily_stat",))  # rows of whole days

ALL = {source.name: source for source in (INTERCOM, HELPSCOUT, COMAGIC)}
ENVIRONMENT = {"INTERCOM_TOKEN": TOKEN, "HELPSCOUT_SECRET": TOKEN, "COMAGIC_TOKEN": TOKEN}
