-- ${target}: insert the versions that are missing, and the contents of known versions that were read after the stored
-- ones and differ from the newest of them. Over the staged days only, at most 3,000 of them a statement.
SET more_days = ${days};
WHILE ARRAY_LENGTH(more_days) > 0 DO
  SET days = ARRAY(SELECT d FROM UNNEST(more_days) AS d ORDER BY d LIMIT 3000);
  SET (first_day, last_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM UNNEST(days) AS d);
  INSERT INTO `${target}` (${columns}, _loaded_at, _run_id)
  SELECT ${staged_columns}, CURRENT_TIMESTAMP(), @run_id
    FROM (SELECT *
            FROM `${stage}`
           WHERE partition_date IN UNNEST(days)
         QUALIFY ROW_NUMBER() OVER (PARTITION BY ${row} ORDER BY _content IS NULL, _read_at DESC, _seq DESC) = 1${newest_set}) AS s
    LEFT JOIN (SELECT ${version}, _content, _read_at
                 FROM `${target}`
                WHERE partition_date BETWEEN first_day AND last_day AND partition_date IN UNNEST(days)
              QUALIFY ROW_NUMBER() OVER (PARTITION BY ${version} ORDER BY _read_at DESC) = 1) AS k
      ON ${version_match}
   WHERE k.${first_column} IS NULL${from_day}
      OR (k.${first_column} IS NOT NULL AND s._content IS NOT NULL AND k._content IS DISTINCT FROM s._content
          AND (k._read_at IS NULL OR k._read_at < s._read_at)
          AND NOT EXISTS (SELECT 1 FROM UNNEST(later_fetches) AS f WHERE f.began_at > s._read_at${day_match})${agreed});
  SET ${counter} = ${counter} + @@row_count;
  SET more_days = ARRAY(SELECT d FROM UNNEST(more_days) AS d WHERE d > last_day);
END WHILE;
