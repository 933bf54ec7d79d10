-- A table whose records keep their day has it among the columns of the window: then a filter on the day is a filter of
-- the scan.
SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'${days}
       QUALIFY ROW_NUMBER() OVER (PARTITION BY ${identity} ORDER BY ${newest}) = 1) AS r
