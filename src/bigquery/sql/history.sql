-- Attempts, the newest first.
SELECT run_id, message_id, delivery_attempt, stream, from_date, to_date, outcome, error, units, requests, fetched, inserted,
       rejected, bytes, began_at, ended_at, caseload_version, host
  FROM `${attempts}`
 WHERE ended_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 400 DAY)
   AND (@stream = '' OR stream = @stream)
   AND (@id = '' OR run_id = @id OR message_id = @id)
   AND (NOT @failed_only OR outcome NOT IN (${good}, '${stopped}'))
 ORDER BY ended_at DESC, began_at DESC
 LIMIT ${limit}
