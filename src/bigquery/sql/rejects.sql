-- Rejected records that were not mended, the newest first; with an id also their text.
SELECT stream, id, reason, cause, rejected_at, from_date, to_date, run_id, ${record} AS record
  FROM `${rejected}`
 WHERE rejected_date >= @since AND mended_at IS NULL
   AND (@stream = '' OR stream = @stream)
   AND (@id = '' OR id = @id)
 ORDER BY rejected_at DESC, stream, id
 LIMIT ${limit}
