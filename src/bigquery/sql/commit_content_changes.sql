-- ${target}: counts the rows of this commit whose version was known.
IF ${counter} > 0 THEN
  SET (first_day, last_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM UNNEST(${days}) AS d);
  SET n_content_changes = (
    SELECT COUNT(*)
      FROM (SELECT _run_id, _loaded_at
              FROM `${target}`
             WHERE partition_date BETWEEN first_day AND last_day
           QUALIFY ROW_NUMBER() OVER (PARTITION BY ${row} ORDER BY _read_at) > 1) AS again
     WHERE _run_id = @run_id AND _loaded_at >= transaction_began_at);
END IF;
