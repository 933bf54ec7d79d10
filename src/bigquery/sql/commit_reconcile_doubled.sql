-- Counts the records that this listing declared deleted twice, after the commit.
SET n_doubled = n_doubled + (
  SELECT COUNT(*)
    FROM (SELECT ${key}
            FROM `${gone}`
           WHERE partition_date = DATE(@began_at, @timezone)
           GROUP BY ${key}, seen_missing_at
          HAVING COUNT(*) > 1) AS twice);
