SELECT '${child}' AS child, partition_date AS day, COUNT(*) AS row_count,
       COUNTIF(_run_id = @run_id AND _loaded_at >= transaction_began_at) AS added
  FROM `${table}`
 WHERE partition_date BETWEEN first_child_day AND last_child_day AND partition_date IN UNNEST(${days})
 GROUP BY partition_date