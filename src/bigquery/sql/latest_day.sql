-- The rows of the newest day on which the list was read. A window over all days would have to fit one BigQuery
-- worker; MAX does not. BigQuery does not prune by MAX, but by the constant before it, which is never after the newest
-- day.
SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '${since}'${days}
           AND partition_date = (SELECT MAX(partition_date)
                                   FROM `${table}`
                                  WHERE partition_date >= DATE '${since}')) AS r
