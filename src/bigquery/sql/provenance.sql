-- What the ledger's rows say of where they come from: one row a stream, unless somebody mixed them. `now` is the
-- warehouse's clock.
SELECT workspace_id, source_type, timezone, dataset, stream, MAX(CURRENT_TIMESTAMP()) AS now
  FROM `${runs}`
 GROUP BY workspace_id, source_type, timezone, dataset, stream
 ORDER BY workspace_id, source_type, timezone, dataset, stream LIMIT 1000
