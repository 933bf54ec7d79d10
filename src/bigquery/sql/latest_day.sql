-- A list without versions: what it held on the newest day it was read.
SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'
       QUALIFY partition_date = MAX(partition_date) OVER ()) AS r
