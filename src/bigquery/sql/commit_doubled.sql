-- Counts the keys that ${target} holds twice on the staged days, after the commit. The bounds are script variables,
-- which prune partitions like constants; a subquery would not.
SET (first_day, last_day) = (SELECT AS STRUCT MIN(partition_date), MAX(partition_date) FROM `${stage}`);
SET n_doubled = n_doubled + (
  SELECT COUNT(*)
    FROM (SELECT ${key}
            FROM `${target}`
           WHERE partition_date BETWEEN first_day AND last_day
             AND partition_date IN (SELECT partition_date FROM `${stage}`)
           GROUP BY ${key}
          HAVING COUNT(*) > 1) AS twice);
