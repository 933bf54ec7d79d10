-- Claims the unit's days that were over and settled when its fetch began, with the rows that each holds now.
INSERT INTO `${runs}`
  (committed_at, stream, from_date, to_date, open_ended, claimed, run_id, message_id, fetch_began_at, fetched,
   inserted, rejected, caseload_version)
SELECT CURRENT_TIMESTAMP(), @stream, @lo, @hi, @open,
       ARRAY(SELECT AS STRUCT d AS day, COUNT(t.partition_date) AS row_count
               FROM UNNEST(GENERATE_DATE_ARRAY(@lo, @claim_hi)) AS d
               LEFT JOIN (SELECT partition_date FROM `${table}` WHERE partition_date BETWEEN @lo AND @claim_hi) AS t
                 ON t.partition_date = d
              GROUP BY d
              ORDER BY d),
       @run_id, @message_id, @began_at, @fetched, ${counter_sum}, n_rejected, @version;

COMMIT TRANSACTION;
