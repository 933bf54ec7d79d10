-- Leaves out the children of deleted records, unless a newer version of the parent was read since.
  LEFT JOIN (SELECT d.${parent_id}
               FROM (SELECT ${parent_id}, MAX(seen_missing_at) AS missing
                       FROM `${gone}`
                      WHERE partition_date >= DATE '0001-01-01'
                      GROUP BY ${parent_id}) AS d
               LEFT JOIN (SELECT ${parent_id}, MAX(${parent_version}) AS newest
                            FROM `${parent}`
                           WHERE partition_date >= DATE '0001-01-01'
                           GROUP BY ${parent_id}) AS p
                 ON p.${parent_id} = d.${parent_id}
              WHERE p.newest IS NULL OR d.missing >= p.newest) AS g
    ON g.${parent_id} = r.${key}
 WHERE g.${parent_id} IS NULL
