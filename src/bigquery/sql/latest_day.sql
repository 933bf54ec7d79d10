-- A list without versions: what it held on the newest day it was read. A window over all days would have to
-- be held by one worker of BigQuery; this is only a number.
SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'
           AND partition_date = (SELECT MAX(partition_date)
                                   FROM `${table}`
                                  WHERE partition_date >= DATE '0001-01-01')) AS r
