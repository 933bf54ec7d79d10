-- Removes deletions of records that are listed or alive, unless the deletion is younger than the listing.
DELETE FROM `${gone}`
 WHERE partition_date >= DATE '0001-01-01'
   AND seen_missing_at < @began_at
   AND ${key} IN (${listed});
