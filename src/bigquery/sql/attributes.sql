-- The attributes of the newest day their list was read.
SELECT `${name}`, `${type}`
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'
           AND partition_date = (SELECT MAX(partition_date)
                                   FROM `${table}`
                                  WHERE partition_date >= DATE '0001-01-01')) AS r
 WHERE ${custom}
 ORDER BY `${name}`, `${type}`
