-- ${latest}, a table: deletes the rows that the view would not show, and inserts those that the view would show and the
-- table lacks. Compares few columns of all rows, and reads the others on the days of what it inserts. Newest days come
-- first, so that the newest row of a record is found before older ones. A statement changes at most 3,000 days.
DECLARE stale_days, lacking_days, these_days ARRAY<DATE>;
DECLARE n_deleted, n_inserted INT64 DEFAULT 0;
BEGIN TRANSACTION;
-- Inserts never conflict: of two refreshes at once, the lock row lets one through.
UPDATE `${lock}` SET doubled = doubled WHERE TRUE;
SET stale_days = ARRAY(SELECT DISTINCT l.partition_date
                    FROM `${latest}` AS l
                   WHERE l.partition_date >= DATE '0001-01-01' AND ${is_stale});
WHILE ARRAY_LENGTH(stale_days) > 0 DO
  SET these_days = ARRAY(SELECT d FROM UNNEST(stale_days) AS d ORDER BY d DESC LIMIT 3000);
  DELETE FROM `${latest}` AS l
   WHERE l.partition_date IN UNNEST(these_days) AND ${is_stale};
  SET n_deleted = n_deleted + @@row_count;
  SET stale_days = ARRAY(SELECT d FROM UNNEST(stale_days) AS d WHERE d NOT IN UNNEST(these_days));
END WHILE;
SET lacking_days = ARRAY(SELECT DISTINCT v.partition_date
                      FROM (${compared}) AS v
                      LEFT JOIN (SELECT ${identity}
                                   FROM `${latest}`
                                  WHERE partition_date >= DATE '0001-01-01') AS l
                        ON ${match}
                     WHERE l.${first_column} IS NULL);
WHILE ARRAY_LENGTH(lacking_days) > 0 DO
  SET these_days = ARRAY(SELECT d FROM UNNEST(lacking_days) AS d ORDER BY d DESC LIMIT 3000);
  INSERT INTO `${latest}` (${columns})
  SELECT ${inserted}
    FROM (${query}) AS v
    LEFT JOIN (SELECT ${identity}
                 FROM `${latest}`
                WHERE partition_date >= DATE '0001-01-01') AS l
      ON ${match}
   WHERE l.${first_column} IS NULL;
  SET n_inserted = n_inserted + @@row_count;
  SET lacking_days = ARRAY(SELECT d FROM UNNEST(lacking_days) AS d WHERE d NOT IN UNNEST(these_days));
END WHILE;
COMMIT TRANSACTION;
SELECT n_deleted AS deleted, n_inserted AS inserted;
