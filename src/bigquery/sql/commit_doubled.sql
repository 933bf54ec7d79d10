(SELECT COUNT(*)
          FROM (SELECT ${key}
                  FROM `${target}`
                 WHERE partition_date BETWEEN @first_staged AND @last_staged
                   AND partition_date IN (SELECT partition_date FROM `${stage}`)
                 GROUP BY ${key}
                HAVING COUNT(*) > 1) AS twice)
