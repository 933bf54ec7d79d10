-- The rows of the newest day on which the list was read. A window over all days would have to fit one BigQuery
-- worker; MAX does not.
SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'
           AND partition_date = (SELECT MAX(partition_date)
                                   FROM `${table}`
                                  WHERE partition_date >= DATE '0001-01-01')) AS r
