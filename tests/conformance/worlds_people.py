# SPDX-License-Identifier: Apache-2.0
"""Random small worlds of people who may be gone: what is known of them, the list of all that there are, sets that
belong to them, attributes that were added, and what is asked of all that.

Times are few, so that equal ones meet: a version and a note on the same microsecond decide who is left out.
"""

import datetime

from engine import Json
from worlds import DAY, NAMES, UTC, Maker, Step, World

EXTRAS = [None, Json("{}"), Json('{"name":"Bo","seats":3,"share":0.5,"open":true,"seen":1770000000,"home.city":"Rome"}'),
          Json('{"name":7,"seats":"12","share":"1.25","open":"false","seen":"2026-01-02T03:04:05Z","home.zip":"5"}'),
          Json('{"name":null,"seats":"many","share":"x","open":"perhaps","seen":"soon","home.zip":1.5}'),
          Json('{"seats":1.5,"seen":99999999999999999,"name":{"a":1},"home":"x","home.tags.0":"t"}')]
CUSTOM = [None, Json("[1]"), Json('"plan"'),
          Json('{"plan":"pro","seats":5,"share":2.5,"open":false,"born":-86400,"tags":["x",null]}'),
          Json('{"plan":1.5,"seats":"5","share":"1e3","open":"TRUE","born":"2026-02-03","tags":"x"}'),
          Json('{"plan":{"a":1},"seats":"five","share":null,"open":1,"born":1770000000123,"tags":{"a":[]}}'),
          Json('{"plan":null,"seats":9223372036854775807,"born":9223372036854775807}'),
          Json('{"it\'s \\"so\\"\\\\ \\n$.plan[0]`":"found","plan":[{"0":1}]}')]
HOMES = [None, ("Bonn", None, []), (None, 53111, ["a"]), (None, None, [])]


class PeopleMaker(Maker):
    streams = ("people", "people", "people_reconciliation")
    children = ("people_teams", "people_teams", "other")

    def __init__(self, seed):
        super().__init__(seed)
        self.began = self.dice.choice(self.instants)

    def version(self):
        return self.dice.choice(self.instants)

    def person(self):
        version, known = self.version(), self.chance(0.5)
        values = [self.dice.choice(NAMES), self.dice.choice([None, 0, 7]), self.dice.choice([None, 0.25]),
                  self.dice.choice([None, True, False]), self.dice.choice([None, version]), self.dice.choice(HOMES)]
        later = values if known else [None] * len(values)
        return [self.day(version), self.dice.choice(self.ids), version, self.dice.choice(EXTRAS), *self.reading(),
                self.moment(), "before", *later, self.dice.choice(CUSTOM), self.dice.choice([[], ["a"], ["b", "a"]])]

    def note(self):
        at = self.version()
        return [self.day(at), self.dice.choice(self.ids), at, None, self.dice.choice(["deleted feed", None]), None,
                *self.reading(), self.moment(), "before"]

    def member(self):
        version = self.version()
        return [self.day(version), self.dice.choice(self.ids), self.dice.choice(["s", "t"]), version, None, *self.reading(),
                self.moment(), "before"]

    def attribute(self):
        return [self.lo + self.dice.randrange(2) * DAY, self.dice.choice(["plan", "seats", "ä b"]),
                self.dice.choice(["string", "list", None]), self.dice.choice([True, False, None]), None, *self.reading(),
                self.moment(), "before"]

    def scanned(self):
        version = self.version()
        return [self.day(version), self.dice.choice(self.ids), version, self.dice.choice(NAMES), None, None, None, None, None,
                self.text_dice.choice(CUSTOM), [], self.text_dice.choice(EXTRAS)]

    def scanned_member(self):
        version = self.version()
        return [self.day(version), self.dice.choice(self.ids), self.dice.choice(["s", "t"]), version, None]

    def answered(self):
        return [self.day(self.began), self.dice.choice(self.ids), self.began, self.dice.choice([None, "x"]),
                self.dice.choice(["reconciliation", "merged"]), None]

    def unloadable(self):
        return [self.dice.choice(self.ids * 3 + [None, ""]), *self.reject()[1:]]

    def suspect(self):
        answer = self.dice.choice([None, None, "alive", "gone"])
        return ["people_reconciliation", self.dice.choice(self.ids), self.earlier(),
                self.earlier() if answer else None, answer, "before"]

    def rejected(self):
        row = super().rejected()
        return [row[0], self.dice.choice(["people", "people", "other"]), *row[2:4], self.dice.choice([None, "", *self.ids]),
                *row[5:]]

    def scan(self, tables):
        counts = {f"staged_{i}": ("INT64", len(tables[f"desk_caseload.stage_people_1_{i}"])) for i in range(2)}
        return Step("people_scan_commit", {
            **self.identity(), "stream": ("STRING", "people"), "version": ("STRING", "0.1.0"),
            "rejected_since": ("DATE", self.lo), "renewed_since": ("DATE", self.lo), "incomplete": ("BOOL", False),
            "digest": ("INT64", 0), "held_from": ("DATE", self.hi), "run_id": ("STRING", "now"),
            "message_id": ("STRING", ""), "lo": ("DATE", self.lo), "hi": ("DATE", self.hi),
            "claim_hi": ("DATE", self.lo - DAY), "open": ("BOOL", True), "began_at": ("TIMESTAMP", self.earlier()),
            "alone_since": ("TIMESTAMP", self.text_dice.choice(self.moments)), "fetched": ("INT64", 1), "children_from": ("DATE", self.lo + self.dice.randrange(-1, 3) * DAY), **counts})

    def listed(self, tables, began):
        """The list of whole records that was staged for the scan, with the answers for the list of ids."""
        counts = {f"staged_{i}": ("INT64", len(tables[f"desk_caseload.stage_people_{table}"]))
                  for i, table in enumerate(["1_0", "0_1", "0_2"])}
        return Step("people_commit_list", {**self.reconciliation(began), "run_id": ("STRING", "list"), **counts})

    def dated(self, tables):
        days = [row[0] for row in tables["desk_caseload.stage_people_1_0"]] or [self.lo]
        lo, hi = min(days), max(days) + self.text_dice.choice([0, 1]) * DAY
        return Step("people_dated_commit", {
            **self.reconciliation(self.text_dice.choice(self.moments)), "stream": ("STRING", "people"), "lo": ("DATE", lo),
            "hi": ("DATE", hi), "claim_hi": ("DATE", hi), "open": ("BOOL", False), "run_id": ("STRING", "dated"),
            "staged_0": ("INT64", len(tables["desk_caseload.stage_people_1_0"]))})

    def many_versions(self):
        """Of so many people that their newest versions are on more days than a statement takes at once."""
        days = [self.lo + self.text_dice.randrange(9) * DAY for _ in range(14)]
        rows = [self.person() for _ in days]
        for day, row in zip(days, rows):
            version = datetime.datetime.combine(day, datetime.time(12), self.zone).astimezone(UTC)
            row[:3] = [day, self.text_dice.choice("pqrst"), version]
        return rows

    def people_tables(self):
        listed = [] if self.chance(0.2) else self.dice.sample(self.ids, self.dice.randrange(1, len(self.ids) + 1))
        listed += [self.dice.choice(listed)] if listed and self.chance(0.3) else []
        return {
            "desk.people": self.many_versions() if self.text_dice.random() < 0.2 else self.some(7, self.person),
            "desk.people_deleted": self.some(4, self.note),
            "desk.people_teams": self.some(6, self.member),
            "desk.people_attributes": self.some(5, self.attribute),
            "desk.people_latest": self.some(4, self.person),
            "desk.people_teams_latest": self.some(3, self.member),
            "desk.people_attributes_latest": self.some(2, self.attribute),
            "desk_caseload.stage_people_0_0": self.staged([[self.lo, i, None] for i in listed]),
            "desk_caseload.stage_people_0_1": self.staged(self.some(2, self.scanned)),
            "desk_caseload.stage_people_0_2": self.staged(self.some(3, self.answered)),
            "desk_caseload.stage_people_0_rejected": self.numbered(self.some(2, self.unloadable)),
            "desk_caseload.missing": self.some(6, self.suspect),
            "desk_caseload.stage_people_1_0": self.staged(self.some(5, self.scanned)),
            "desk_caseload.stage_people_1_1": self.staged(self.some(7, self.scanned_member)),
            "desk_caseload.lock_people": self.lock(),
            "desk_caseload.rejected": self.some(3, self.rejected),
            "desk_caseload.runs": self.some(5, self.run),
        }

    def reconciliation(self, began):
        return {**self.identity(), "stream": ("STRING", "people_reconciliation"), "version": ("STRING", "0.1.0"),
                "rejected_since": ("DATE", self.lo), "renewed_since": ("DATE", self.lo), "incomplete": ("BOOL", False),
                "digest": ("INT64", 0), "held_from": ("DATE", self.hi), "run_id": ("STRING", "now"),
                "message_id": ("STRING", ""), "lo": ("DATE", self.lo), "hi": ("DATE", self.hi),
                "claim_hi": ("DATE", self.lo - DAY), "open": ("BOOL", True), "began_at": ("TIMESTAMP", began),
                "alone_since": ("TIMESTAMP", began), "fetched": ("INT64", 1), "confirmed": ("BOOL", True), "day_before": ("TIMESTAMP", began - DAY)}

    def people_steps(self, tables):
        staged = tables["desk_caseload.stage_people_0_0"]
        list_began = self.text_dice.choice([self.began, *self.moments])
        count = len(staged) + (1 if self.chance(0.05) else 0)
        rejects = len(tables["desk_caseload.stage_people_0_rejected"])
        commit = Step("people_commit_empty" if not staged else "people_commit_rejects" if rejects else "people_commit", {
            **self.reconciliation(self.began), "fetched": ("INT64", len(staged)), "confirmed": ("BOOL", self.chance(0.7)),
            **({"staged_0": ("INT64", count),
                **({"staged_rejected": ("INT64", rejects)} if rejects else {}),
                "staged_1": ("INT64", len(tables["desk_caseload.stage_people_0_1"])),
                "staged_2": ("INT64", len(tables["desk_caseload.stage_people_0_2"]))} if staged else {})})
        state = Step("people_state", {"stream": ("STRING", "people_reconciliation"), "message_id": ("STRING", ""), "rejected_since": ("DATE", self.lo),
                                      "first_day": ("DATE", self.lo - 400 * DAY)})
        reads = [Step(name, {}) for name in ("people_latest", "people_teams_latest", "people_list_latest",
                                             "people_attributes", "people_custom")]
        scan = self.scan(tables)
        scan_state = Step("people_scan_state", {
            "stream": ("STRING", "people"), "message_id": ("STRING", ""), "first_day": ("DATE", self.lo - 400 * DAY),
            "rejected_since": ("DATE", self.lo - DAY)})
        refreshes = [Step(name, {}) for name in ("people_latest_refresh", "people_teams_latest_refresh", "people_list_latest_refresh")]
        rebuild = [Step("people_latest_rebuild", {})] if self.chance(0.3) else []
        lists = [self.listed(tables, list_began), self.dated(tables)]
        self.text_dice.shuffle(lists)
        return [scan_state, scan, *([scan] if self.chance(0.3) else []), *reads[:2], *lists, *lists[:1], *(refreshes if self.chance(0.7) else []),
                commit, *([commit] if self.chance(0.3) else []), state, scan_state, *reads, *rebuild, *refreshes]


def make_people_world(seed):
    maker = PeopleMaker(seed)
    tables = maker.people_tables()
    return World(seed, tables, maker.people_steps(tables))
