-- The attributes of the newest day their list was read.
SELECT `${name}`, `${type}`
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'
       QUALIFY partition_date = MAX(partition_date) OVER ()) AS r
 WHERE ${custom}
 ORDER BY `${name}`, `${type}`
