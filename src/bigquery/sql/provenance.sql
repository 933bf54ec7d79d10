-- What the ledger's rows say of where they come from: one row, unless somebody mixed them.
SELECT DISTINCT workspace_id, source_type, timezone, dataset FROM `${runs}`
 ORDER BY workspace_id, source_type, timezone, dataset LIMIT 100
