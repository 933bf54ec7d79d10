# SPDX-License-Identifier: Apache-2.0
"""tap-intercom as it is on PyPI, but for two things that have no setting: the address of Intercom, and its own limit of
1,000 requests a minute, which is lifted where the server's is. Arguments: URL, "lifted" or "limited", then its own."""
import sys

import singer.utils

URL, LIMIT = sys.argv[1], sys.argv[2]
if LIMIT == "lifted":
    singer.utils.ratelimit = lambda *_: lambda function: function

import tap_intercom  # noqa: E402
import tap_intercom.client  # noqa: E402

made = tap_intercom.client.IntercomClient.__init__


def make(self, *arguments, **named):
    made(self, *arguments, **named)
    self.base_url = URL


tap_intercom.client.IntercomClient.__init__ = make
sys.argv[1:3] = []
tap_intercom.main()
