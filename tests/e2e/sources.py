# SPDX-License-Identifier: Apache-2.0
"""Facts about each source for the tests: its settings against the sandbox, and requests that make and change its records."""

TOKEN = "sandbox-token"


class Kill:
    """Records for tests that kill workers, as requests to /control/workspace."""

    def __init__(self, first, loaded, changed, start="2026-02-20"):
        self.first = first  # few: a first load
        self.start = start  # its first day, before which the sandbox has no records that a view would show
        self.loaded = loaded  # before a load of all default streams, None: there is no such test ...
        self.changed = changed  # ... and the changes of the week after it


class Source:
    def __init__(self, name, secret, settings, streams, fills, changes, kill, also=None, more=None, skip=()):
        self.name = name
        self.secret = secret  # the setting that says where its secret is
        self.settings = settings  # of the configuration's object "source", beside type, base_url and rate_share
        self.streams = streams  # of a scenario that names none
        self.fills = fills  # by stream: the request that makes its records
        self.changes = changes  # by stream: the request that changes some of them
        self.kill = kill
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
    kill=Kill(
        first=[{"fill": {"kind": "contacts", "from": "2026-02-20", "to": "2026-03-02", "count": 60}}],
        loaded=[
            {"fill": {"kind": "contacts", "from": "2026-02-01", "to": "2026-03-01", "count": 40}},
            {"fill": {"kind": "conversations", "from": "2026-02-25", "to": "2026-03-01", "count": 12, "children": 3}},
        ],
        changed=[
            {"touch": {"kind": "contacts", "count": 8}},
            {"touch": {"kind": "conversations", "count": 8}},
            {"touch": {"kind": "admins", "count": 7}},
            {"touch": {"kind": "companies", "count": 8}},
            {"touch": {"kind": "tickets", "count": 4}},
            {"fill": {"kind": "admins", "count": 1}},
            {"merge": {"kind": "contacts", "count": 2}},
            {"remove": {"kind": "contacts", "count": 2}},
            {"remove": {"kind": "conversations", "count": 2}},
            {"remove": {"kind": "companies", "count": 2}},
        ]),
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
    },
    kill=Kill(
        first=[{"fill": {"kind": "conversations", "from": "2026-02-26", "to": "2026-02-26", "count": 26}}],
        loaded=[
            {"fill": {"kind": "conversations", "from": "2026-02-25", "to": "2026-03-01", "count": 12}},
            {"fill": {"kind": "customers", "from": "2026-02-01", "to": "2026-03-01", "count": 40}},
            {"fill": {"kind": "happiness_ratings", "from": "2026-02-01", "to": "2026-03-01", "count": 40}},
        ],
        changed=[
            {"touch": {"kind": "conversations", "count": 8}},
            {"touch": {"kind": "customers", "count": 8}},
            {"touch": {"kind": "mailboxes", "count": 2}},
            {"touch": {"kind": "organizations", "count": 20}},
            {"fill": {"kind": "happiness_ratings", "from": "2026-03-02", "to": "2026-03-08", "count": 8}},
            {"remove": {"kind": "tags", "count": 2}},
            {"merge": {"kind": "conversations", "count": 1}},
            {"remove": {"kind": "conversations", "count": 2}},
            {"remove": {"kind": "customers", "count": 2}},
        ]))

REPORTS = ["calls", "call_legs", "chats", "chat_messages", "offline_messages", "goals", "communications", "visitor_sessions",
           "financial_call_legs"]

COMAGIC = Source(
    "comagic", "token", {"token": {"env": "COMAGIC_TOKEN"}}, ["calls"],
    fills={name: {"fill": {"kind": name, "from": "2026-01-05", "to": "2026-03-01", "count": 60}} for name in REPORTS},
    changes={name: {"fill": {"kind": name, "from": "2026-03-01", "to": "2026-03-01", "count": 20}} for name in REPORTS},
    kill=Kill(
        first=[{"page_most": 12}, {"fill": {"kind": "calls", "from": "2026-02-20", "to": "2026-03-01", "count": 60}}],
        loaded=None, changed=None, start="2026-01-05"),
    skip=("campaign_daily_stat", "employee_stat"))  # rows of whole days

ALL = {source.name: source for source in (INTERCOM, HELPSCOUT, COMAGIC)}
ENVIRONMENT = {"INTERCOM_TOKEN": TOKEN, "HELPSCOUT_SECRET": TOKEN, "COMAGIC_TOKEN": TOKEN}
