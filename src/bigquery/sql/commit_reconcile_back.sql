-- Seen again. A note that is younger than the list stays: the list can't know of it.
DELETE FROM `${gone}`
 WHERE partition_date >= DATE '0001-01-01'
   AND seen_missing_at < @began_at
   AND ${key} IN (SELECT ${key} FROM `${stage}`);
