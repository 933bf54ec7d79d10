-- Inserts into ${target} the rows whose keys are missing there, at most 3,000 staged days a statement.
SET days = ARRAY(SELECT DISTINCT partition_date FROM `${stage}` ORDER BY partition_date LIMIT 3000);
WHILE ARRAY_LENGTH(days) > 0 DO
  SET (first_day, last_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM UNNEST(days) AS d);
  INSERT INTO `${target}` (${columns}, _loaded_at, _run_id)
  SELECT ${staged_columns}, CURRENT_TIMESTAMP(), @run_id
    FROM (SELECT *
            FROM `${stage}`
           WHERE partition_date IN UNNEST(days)
         QUALIFY ROW_NUMBER() OVER (PARTITION BY ${key} ORDER BY _seq DESC) = 1) AS s
    LEFT JOIN (SELECT DISTINCT ${key}
                 FROM `${target}`
                WHERE partition_date BETWEEN first_day AND last_day AND partition_date IN UNNEST(days)) AS k
      ON ${key_match}
   WHERE k.${first_key} IS NULL;
  SET ${counter} = ${counter} + @@row_count;
  SET days = ARRAY(SELECT DISTINCT partition_date
                     FROM `${stage}`
                    WHERE partition_date > last_day
                    ORDER BY partition_date LIMIT 3000);
END WHILE;
