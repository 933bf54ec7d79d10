SELECT t.${key}
          FROM (SELECT ${key}, MAX(${version}) AS newest
                  FROM `${subject}`
                 WHERE partition_date >= DATE '0001-01-01'
                 GROUP BY ${key}) AS t
          LEFT JOIN (${listed}) AS s ON s.${key} = t.${key}
          LEFT JOIN (SELECT ${key}, MAX(seen_missing_at) AS missing
                       FROM `${gone}`
                      WHERE partition_date >= DATE '0001-01-01'
                      GROUP BY ${key}) AS g ON g.${key} = t.${key}
         WHERE s.${key} IS NULL AND t.newest < @began_at AND (g.missing IS NULL OR g.missing < t.newest)
           AND NOT (${is_unnamed})
