SELECT '${child}' AS child, d.day, COUNT(t.partition_date) AS row_count,
       COUNTIF(t._run_id = @run_id AND t._loaded_at >= transaction_began_at) AS added
  FROM (SELECT DISTINCT c.day
          FROM `${runs}` AS r, UNNEST(r.children) AS c
         WHERE r.stream = @stream AND c.child = '${child}' AND c.day >= @children_from${staged}) AS d
  LEFT JOIN (SELECT partition_date, _run_id, _loaded_at
               FROM `${table}`
              WHERE partition_date >= @children_from OR partition_date BETWEEN first_child_day AND last_child_day) AS t
    ON t.partition_date = d.day
 GROUP BY d.day