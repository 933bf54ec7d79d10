# SPDX-License-Identifier: Apache-2.0
"""Random small worlds: the tables of one stream with a child, what is staged, and what is asked of them.

A world is a function of its number alone. Most of its rows are good; what goes wrong now and then is what the commit
must refuse or leave alone: doubled rows, wrong counts and days, foreign rows, missing and doubled locks.
"""
import collections
import datetime
import random
import zoneinfo

from engine import Json

UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)
US = datetime.timedelta(microseconds=1)
STREAM = "tickets"

# A zone, and days near which its clocks do something (or nothing).
PLACES = [
    ("Etc/UTC", "2026-03-01"), ("UTC", "1970-01-01"), ("Europe/Berlin", "2026-03-28"), ("Europe/Berlin", "2026-10-24"),
    ("America/New_York", "2026-03-07"), ("America/New_York", "2025-11-01"), ("America/Los_Angeles", "2026-12-30"),
    ("America/Sao_Paulo", "2018-11-03"), ("Australia/Lord_Howe", "2026-04-04"), ("Pacific/Apia", "2011-12-28"),
    ("Pacific/Kiritimati", "2026-02-27"), ("Asia/Kathmandu", "2026-01-01"), ("Asia/Kolkata", "2024-02-28"),
    ("Africa/Casablanca", "2026-02-14"), ("America/St_Johns", "2006-10-28"), ("Europe/Dublin", "2038-01-18"),
    ("Pacific/Marquesas", "2000-02-28"), ("Asia/Tehran", "2022-09-20"), ("Europe/London", "1969-12-30"),
]
IDS = ["1", "2", "10", "a", "A", "ä", "", " ", "o'x", "\U0001f642"]
NAMES = [None, "", "Ann", "NULL", "a\nb", "\u00e9\u4e16", '"q"', "\\"]
EXTRAS = [None, Json("{}"), Json('{"a.b":[1,null,"x"]}'), Json('{"n":1.5,"t":true,"s":"\\u00e9"}'), Json("[]")]
# As a staging table has it: numbers whose double has another text are refused in a JSON column.
TEXTS = ['{"n":67.174118,"l":[1e2,-0.0,1e-7]}', '"67.174118"', '67.174118', '{"a":{"b":[null,123456789012345.25]}}']
REASONS = ["no id", "not an object"]
RECORDS = ["{", "", "{\"id\": null}"]
HASHES = ["0a", "0b", "0c"]

World = collections.namedtuple("World", "seed tables steps")
Step = collections.namedtuple("Step", "statement parameters")


def at_noon(year, month, day):
    return datetime.datetime(year, month, day, 12, tzinfo=UTC)


class Maker:
    streams = (STREAM, STREAM, "other")
    children = ("replies", "other")

    def __init__(self, seed):
        self.seed = seed
        self.dice = random.Random(seed)
        self.text_dice = random.Random(f"texts {seed}")
        self.other_dice = random.Random(f"{seed} of children")
        zone, near = self.dice.choice(PLACES)
        self.zone_name, self.zone = zone, zoneinfo.ZoneInfo(zone)
        self.lo = datetime.date.fromisoformat(near) + self.dice.randrange(3) * DAY
        self.hi = self.lo + self.dice.choice([0, 1, 2, 6]) * DAY
        self.open = self.chance(0.4)
        self.claim_hi = self.lo + self.dice.randrange(-1, (self.hi - self.lo).days + 1) * DAY
        self.instants = [self.instant(-2, 3) for _ in range(self.dice.randrange(2, 7))]
        self.inside = [i for i in self.instants if self.day(i) >= self.lo and (self.open or self.day(i) <= self.hi)]
        self.ids = self.dice.sample(IDS, self.dice.randrange(1, 5))
        self.loaded = at_noon(2020, 1, 1)
        self.moments = [self.loaded]

    def chance(self, part):
        return self.dice.random() < part

    def instant(self, before, after):
        """Near a midnight of the zone or of UTC, or anywhere, some days around the unit."""
        day = self.lo + self.dice.randrange(before, (self.hi - self.lo).days + after) * DAY
        zone = self.dice.choice([self.zone, self.zone, UTC])
        midnight = datetime.datetime.combine(day, datetime.time(), zone).astimezone(UTC)
        off = [-US, 0 * US, US, datetime.timedelta(seconds=self.dice.randrange(86400)),
               datetime.timedelta(minutes=30 * self.dice.randrange(-6, 7))]
        return midnight + self.dice.choice(off)

    def day(self, instant):
        return instant.astimezone(self.zone).date()

    def moment(self):
        """Later than all before, so that no two rows tie."""
        self.loaded += datetime.timedelta(seconds=self.dice.randrange(1, 100000), microseconds=1)
        self.moments.append(self.loaded)
        return self.loaded

    def earlier(self):
        """One of the moments so far, or one between."""
        return self.dice.choice(self.moments) + self.dice.choice([-US, 0 * US, US])

    def days_of(self, instant, wrong):
        return self.day(instant) + (self.dice.choice([-1, 1, 7]) * DAY if self.chance(wrong) else 0 * DAY)

    # --- tables ---
    def ticket(self, instants, wrong):
        version = self.dice.choice(instants)
        return [self.days_of(version, wrong), self.dice.choice(self.ids), version, self.dice.choice(NAMES),
                self.dice.choice(EXTRAS)]

    def reply(self, wrong):
        created = self.dice.choice(self.instants)
        return [self.days_of(created, wrong), self.dice.choice(self.ids), self.dice.choice(["r1", "r2"]), created,
                self.dice.choice(self.instants), self.chance(0.4), self.dice.choice(NAMES), self.dice.choice(EXTRAS)]

    def reading(self):
        """_content and _read_at of a stored row; an older caseload left them out."""
        return [None, None] if self.chance(0.2) else [self.dice.choice([None, 1, 2, 3]), self.moment()]

    def stored(self, rows):
        return [row + self.reading() + [self.moment(), "before"] for row in rows]

    def staged(self, rows):
        numbers = list(range(len(rows)))
        if self.chance(0.3):
            self.dice.shuffle(numbers)
        return [self.texts(row) + [self.dice.choice([None, 1, 2, 2, 3]), self.earlier(), number]
                for row, number in zip(rows, numbers)]

    def texts(self, row):
        return [self.text_dice.choice([str(value), *TEXTS]) if isinstance(value, Json) else value for value in row]

    def numbered(self, rows):
        return [row + [number] for number, row in enumerate(rows)]

    def some(self, most, make):
        return [make() for _ in range(self.dice.randrange(most + 1))]

    def lock(self):
        good = ["w1", "intercom", self.zone_name, self.dice.randrange(5), self.moment(), "desk", self.dice.choice([None, 0, 2])]
        foreign = list(good)
        column = self.dice.choice([0, 1, 2, 5])
        foreign[column] = ["w2", "helpscout", "Asia/Tokyo", None, None, self.dice.choice(["other", None])][column]
        roll = self.dice.randrange(30)
        return {0: [], 1: [good, list(good)], 2: [good, foreign], 3: [foreign], 4: [foreign]}.get(roll, [good])

    def run(self):
        first = self.lo + self.dice.randrange(-2, 2) * DAY
        claimed = [(first + i * DAY, self.dice.randrange(4)) for i in range(self.dice.randrange(4))]
        added = [(self.lo + i * DAY, self.dice.randrange(3)) for i in range(self.dice.randrange(-1, 3))]
        return [self.moment(), self.dice.choice(self.streams), first, first + 3 * DAY, self.chance(0.5),
                claimed, added, self.noted(), "before", self.dice.choice(["m1", "m2", ""]), self.moment(),
                self.dice.choice([None, 7]),
                self.dice.choice([None, 3]), self.dice.choice([None, 1]), 0, self.dice.choice([None, "0.1.0"]),
                *self.dice.choice([["w1", "intercom", self.zone_name, "desk"]] * 8
                                  + [["w2", "intercom", self.zone_name, "desk"], [None] * 4]),
                self.dice.choice([None, True, False]), self.other_dice.choice([[], [], [self.children[0]], ["other"]]),
                self.other_dice.choice([None, self.lo, first]),
                self.other_dice.choice([None, 7]), self.other_dice.choice([None, 1]), self.other_dice.choice([None, None, *self.moments[:1]])]

    def noted(self):
        days = [self.day(i) for i in self.instants]
        return [(self.dice.choice(self.children), day, self.dice.randrange(3), self.dice.randrange(2))
                for day in sorted(set(self.dice.sample(days, self.dice.randrange(min(3, len(days) + 1)))))]

    def rejected(self):
        return [self.lo + self.dice.randrange(-2, 3) * DAY, self.dice.choice([STREAM, STREAM, "other"]), self.lo, self.hi,
                self.dice.choice([None, "1"]), self.dice.choice(REASONS), self.dice.choice(RECORDS),
                self.dice.choice(HASHES), "before", self.moment(), self.dice.choice([None, "source", "transport"]), None]

    def reject(self):
        return [self.dice.choice([None, "1", "2"]), self.dice.choice(REASONS), self.dice.choice(RECORDS),
                self.dice.choice(HASHES), self.dice.choice(["source", "transport"])]

    def tables(self):
        good = self.inside and not self.chance(0.1)
        wrong = 0.2 if self.chance(0.08) else 0
        tickets = self.some(8, lambda: self.ticket(self.inside if good else self.instants, wrong))
        if self.dice.randrange(12) == 0:  # many days; a statement of the commit takes so many of them at once
            start = self.lo
            tickets = [[start + i * DAY, "m", datetime.datetime.combine(start + i * DAY, datetime.time(12), self.zone)
                        .astimezone(UTC), None, None] for i in range(self.dice.randrange(7, 12))]
        return {
            "desk.tickets": self.stored(self.some(6, lambda: self.ticket(self.instants, 0.05))),
            "desk.replies": self.stored(self.some(5, lambda: self.reply(0.05))),
            "desk_caseload.stage_tickets_0_0": self.staged(tickets),
            "desk_caseload.stage_tickets_0_1": self.staged(self.some(6, lambda: self.reply(wrong))),
            "desk_caseload.stage_tickets_0_rejected": self.numbered(self.some(4, self.reject)),
            "desk_caseload.lock_tickets": self.lock(),
            "desk_caseload.runs": self.some(4, self.run),
            "desk_caseload.rejected": self.some(3, self.rejected),
        }

    # --- what is asked ---
    def commit_parameters(self, tables, variant):
        counts = {"staged_0": len(tables["desk_caseload.stage_tickets_0_0"]),
                  "staged_1": len(tables["desk_caseload.stage_tickets_0_1"]),
                  "staged_rejected": len(tables["desk_caseload.stage_tickets_0_rejected"])}
        if self.chance(0.08):
            counts[self.dice.choice(sorted(counts))] += self.dice.choice([-1, 1])
        used = {"commit_all": list(counts), "commit_parents": ["staged_0"], "commit_rejected": ["staged_rejected"],
                "commit_nothing": []}[variant]
        return {
            **self.identity(), "stream": ("STRING", STREAM), "version": ("STRING", "0.1.0"),
            "run_id": ("STRING", "now"), "message_id": ("STRING", self.dice.choice(["m1", "m2", ""])),
            "lo": ("DATE", self.lo), "hi": ("DATE", self.hi), "claim_hi": ("DATE", self.claim_hi),
            "open": ("BOOL", self.open), "began_at": ("TIMESTAMP", self.earlier()),
            "alone_since": ("TIMESTAMP", self.other_dice.choice(self.moments)), "fetched": ("INT64", self.dice.randrange(100)), **{name: ("INT64", counts[name]) for name in used},
            "rejected_since": ("DATE", self.lo), "renewed_since": ("DATE", self.lo), "incomplete": ("BOOL", self.chance(0.2)),
            "digest": ("INT64", self.other_dice.choice([0, 7])), "held_from": ("DATE", self.lo),
        }

    def identity(self):
        return {"workspace_id": ("STRING", "w1"), "source_type": ("STRING", "intercom"),
                "timezone": ("STRING", self.zone_name), "dataset": ("STRING", "desk")}

    def steps(self, tables):
        variant = self.dice.choice(["commit_all"] * 5 + ["commit_parents", "commit_rejected", "commit_nothing"])
        message = ("STRING", self.dice.choice(["m1", "", "x"]))
        state = Step("state", {"stream": ("STRING", STREAM), "message_id": message, "rejected_since": ("DATE", self.lo),
                               "first_day": ("DATE", self.lo + self.dice.choice([-400, -400, 0, 1]) * DAY)})
        commit = Step(variant, self.commit_parameters(tables, variant))
        adopt = Step("adopt", {"timezone": ("STRING", self.zone_name)})
        steps = [Step("provenance", {}), Step("lock_row", self.identity())] if self.chance(0.3) else []
        steps += [state, commit] + ([commit] if self.chance(0.25) else []) + [state, Step("latest", {}), adopt]
        steps += [Step("repeats", {}), Step("deduplicate", {}), Step("repeats", {}), Step("repeats_clear", {"seen": ("INT64", self.other_dice.choice([0, 2]))})] if self.chance(0.4) else []
        return steps + ([Step("ledger", {"stream": ("STRING", STREAM)})] if self.chance(0.3) else [])


def make_world(seed):
    maker = Maker(seed)
    tables = maker.tables()
    return World(seed, tables, maker.steps(tables))


def make_many_days():
    """One commit of more days than one statement of it takes."""
    maker = Maker(0)
    maker.open = True
    day = [maker.lo + i * DAY for i in range(3007)]
    staged = [[d, "m", datetime.datetime.combine(d, datetime.time(12), maker.zone).astimezone(UTC), None, None, 1,
               maker.loaded, i] for i, d in enumerate(day)]
    good = ["w1", "intercom", maker.zone_name, 0, maker.moment(), "desk", None]
    tables = {name: [] for name in maker.tables()}
    tables.update({"desk_caseload.stage_tickets_0_0": staged, "desk_caseload.lock_tickets": [good]})
    parameters = maker.commit_parameters(tables, "commit_parents")
    parameters["staged_0"] = ("INT64", len(staged))
    return World("many", tables, [Step("commit_parents", parameters)])
