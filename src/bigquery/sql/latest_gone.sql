-- Leaves out deleted records, unless a newer version was read since.
  LEFT JOIN (SELECT ${gone_key}, MAX(seen_missing_at) AS missing
               FROM `${gone}`
              WHERE partition_date >= DATE '0001-01-01'
              GROUP BY ${gone_key}) AS g
    ON g.${gone_key} = r.${key}
 WHERE g.missing IS NULL OR g.missing < r.${version}
