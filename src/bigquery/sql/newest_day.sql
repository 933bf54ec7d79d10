-- The newest day on which a list was read.
SELECT MAX(partition_date) AS newest
  FROM `${table}`
 WHERE partition_date >= DATE '0001-01-01'
