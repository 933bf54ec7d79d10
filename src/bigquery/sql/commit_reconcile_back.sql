-- Removes deletions of records that are listed or alive, unless the deletion is younger than the listing, or so
-- recent that an index may still list the record.
DELETE FROM `${gone}`
 WHERE partition_date >= DATE '0001-01-01'
   AND seen_missing_at < TIMESTAMP_SUB(@began_at, INTERVAL 1 HOUR)
   AND ${key} IN (${listed});
