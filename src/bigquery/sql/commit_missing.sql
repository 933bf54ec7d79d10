-- Notes what was answered, and the suspects that were not asked for: the next listing declares them deleted if both are
-- confirmed. Those that were found alive before only wait for their turn.
INSERT INTO `${missing}` (stream, id, list_began_at, asked_at, answer, run_id)
SELECT @stream, m.id, @began_at, IF(m.answer IS NULL, NULL, CURRENT_TIMESTAMP()), m.answer, @run_id
  FROM (SELECT DISTINCT ${key} AS id, 'alive' AS answer FROM (${alive}) AS l
         UNION ALL
        SELECT DISTINCT ${key}, 'gone' FROM (${answered}) AS d
         UNION ALL
        SELECT u.${key}, CAST(NULL AS STRING)
          FROM (${suspects}) AS u
          LEFT JOIN (SELECT DISTINCT id
                       FROM `${missing}`
                      WHERE list_began_at >= TIMESTAMP '0001-01-01 00:00:00+00' AND stream = @stream
                        AND answer = 'alive') AS b ON b.id = u.${key}
         WHERE b.id IS NULL AND @confirmed) AS m;
