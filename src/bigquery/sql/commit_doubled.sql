-- ${target}: counts the rows of the staged days that repeat the reading before them, read after the commit. The bounds
-- are script variables, which prune like constants; a subquery would not.
SET (first_day, last_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM UNNEST(${days}) AS d);
SET n_doubled = n_doubled + (
  SELECT COUNT(*)
    FROM (SELECT partition_date
            FROM `${target}`
           WHERE partition_date BETWEEN first_day AND last_day AND partition_date IN UNNEST(${days})
         QUALIFY ROW_NUMBER() OVER (PARTITION BY ${row} ORDER BY _read_at) > 1
             AND (${repeated} IS NOT DISTINCT FROM LAG(${repeated}) OVER (PARTITION BY ${row} ORDER BY _read_at)
                  OR _read_at = LAG(_read_at) OVER (PARTITION BY ${row} ORDER BY _read_at))) AS again);
