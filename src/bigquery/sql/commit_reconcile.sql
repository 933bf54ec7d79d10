-- Deleted records: newest version older than the listing, and id absent from it. Records that are known to be deleted
-- are not added again. A listing that began before one that is already committed adds none: the younger one may
-- contain them.
INSERT INTO `${gone}` (partition_date, ${key}, seen_missing_at, source, _loaded_at, _run_id)
SELECT DATE(@began_at, @timezone), t.${key}, @began_at, 'reconciliation', CURRENT_TIMESTAMP(), @run_id
  FROM (SELECT ${key}, MAX(${version}) AS newest
          FROM `${subject}`
         WHERE partition_date >= DATE '0001-01-01'
         GROUP BY ${key}) AS t
  LEFT JOIN (${listed}) AS s ON s.${key} = t.${key}
  LEFT JOIN (SELECT ${key}, MAX(seen_missing_at) AS missing
               FROM `${gone}`
              WHERE partition_date >= DATE '0001-01-01'
              GROUP BY ${key}) AS g ON g.${key} = t.${key}
 WHERE s.${key} IS NULL AND t.newest < @began_at AND (g.missing IS NULL OR g.missing < t.newest)
   AND (SELECT COUNT(*) FROM `${runs}` WHERE stream = @stream AND open_ended AND fetch_began_at > @began_at) = 0;
SET n_0 = @@row_count;
