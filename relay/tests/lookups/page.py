"""Pages through /admin/v1/records with the standard library alone: to the end and back, while records arrive."""

import json
import sys
import time
import urllib.parse
import urllib.request

base, token = sys.argv[1], sys.argv[2]


def ask(**parameters):
    url = base + "/admin/v1/records?" + urllib.parse.urlencode(parameters)
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def nanos(time):
    """A time of RFC 3339 in UTC, which has as many digits as it needs."""
    second, _, rest = time.rstrip("Z").partition(".")
    return second, rest.ljust(9, "0")


asked = {"q": "user:ada", "limit": 150}
page = ask(**asked, **{"from": "2026-11-30T12:00:00Z", "to": "2026-11-30T13:00:00Z"})
count, as_of = page["count"], page["as_of"]
assert count["is_exact"], count
rows = []
while True:
    times = [nanos(row["time"]) for row in page["rows"]]
    assert times == sorted(times, reverse=True), "the newest first"
    rows += [row["record"] for row in page["rows"]]
    assert page["as_of"] == as_of, "by when they had come does not shift"
    if page["older"] is None:
        break
    time.sleep(0.05)
    last = page
    page = ask(**asked, cursor=page["older"])
newer_than_as_of = page["newer_than_as_of"]
back = [row["record"] for row in page["rows"]]
while page["newer"] is not None:
    page = ask(**asked, cursor=page["newer"])
    back = [row["record"] for row in page["rows"]] + back
print(
    json.dumps(
        {
            "older": len(rows),
            "doubles": len(rows) - len(set(rows)),
            "count": count["records"],
            "back": len(back),
            "is_same_backwards": back == rows,
            "newer_than_as_of": newer_than_as_of,
        }
    )
)
