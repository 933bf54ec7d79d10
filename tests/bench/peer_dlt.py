# SPDX-License-Identifier: Apache-2.0
"""dlt's REST source, described for Intercom's search, into files. Arguments: URL, kind, list, folder. Prints rows by table."""
import json
import sys

import dlt
from dlt.sources.rest_api import rest_api_source

URL, KIND, LIST, FOLDER = sys.argv[1:]
SEARCH = {"name": KIND, "endpoint": {
    "path": f"{KIND}/search", "method": "POST", "data_selector": LIST,
    "json": {"query": {"field": "updated_at", "operator": ">", "value": 0}, "pagination": {"per_page": 150},
             "sort": {"field": "updated_at", "order": "ascending"}},
    "paginator": {"type": "cursor", "cursor_path": "pages.next.starting_after", "cursor_body_path": "pagination.starting_after"}}}
PARTS = {"name": "threads", "endpoint": {"path": "conversations/{resources.conversations.id}?display_as=plaintext",
                                         "paginator": "single_page", "data_selector": "$"}}
source = rest_api_source({"client": {"base_url": URL}, "resource_defaults": {"write_disposition": "append", "primary_key": "id"},
                          "resources": [SEARCH] + [PARTS] * (KIND == "conversations")})
pipeline = dlt.pipeline("bench", pipelines_dir=f"{FOLDER}/state", destination=dlt.destinations.filesystem(f"file://{FOLDER}/out"))
pipeline.run(source, loader_file_format="jsonl")
print(json.dumps(pipeline.last_trace.last_normalize_info.row_counts))
