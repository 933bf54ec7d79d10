-- Deleted records: suspects that were asked for by id and are gone, and those that the confirmed listing before this one
-- lacked, too. A record that was found alive counts as listed. A listing that began before one that is already committed
-- adds none: the younger one may contain them.
INSERT INTO `${gone}` (partition_date, ${key}, seen_missing_at, merged_into, source, _loaded_at, _run_id)
SELECT DATE(@began_at, @timezone), m.${key}, @began_at, a.merged_into, COALESCE(a.source, 'two lists'),
       CURRENT_TIMESTAMP(), @run_id
  FROM (${suspects}) AS m
  LEFT JOIN (${answered}) AS a ON a.${key} = m.${key}
  LEFT JOIN (SELECT DISTINCT id
               FROM `${missing}`
              WHERE stream = @stream AND answer IS NULL AND @confirmed AND list_began_at <= @day_before
                AND list_began_at = (SELECT MAX(fetch_began_at)
                                       FROM `${runs}`
                                      WHERE stream = @stream AND open_ended AND fetch_began_at < @began_at)) AS r
    ON r.id = m.${key}
 WHERE (a.${key} IS NOT NULL OR r.id IS NOT NULL)
   AND (SELECT COUNT(*) FROM `${runs}` WHERE stream = @stream AND open_ended AND fetch_began_at > @began_at) = 0;
SET n_2 = @@row_count;
