SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'
       QUALIFY ROW_NUMBER() OVER (PARTITION BY ${identity} ORDER BY ${newest}) = 1) AS r
