-- ${target}: does the list show records in the form of the stored ones? If more than half of more than 1,000 records have
-- another content than the newest reading of the same version, it does not, and all of them would be stored again.
SET (first_day, last_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM UNNEST(${days}) AS d);
SET (n_compared, n_differing) = (
  SELECT AS STRUCT COUNT(*), COUNTIF(k._content != s._content)
    FROM (SELECT ${version}, _content
            FROM `${stage}`
           WHERE _content IS NOT NULL
         QUALIFY ROW_NUMBER() OVER (PARTITION BY ${version} ORDER BY _seq DESC) = 1) AS s
    JOIN (SELECT ${version}, _content
            FROM `${target}`
           WHERE partition_date BETWEEN first_day AND last_day
         QUALIFY ROW_NUMBER() OVER (PARTITION BY ${version} ORDER BY _read_at DESC) = 1) AS k
      ON ${version_match}
   WHERE k._content IS NOT NULL);
IF n_compared <= 1000 OR 2 * n_differing <= n_compared THEN
  SET n_differing = 0;
END IF;
