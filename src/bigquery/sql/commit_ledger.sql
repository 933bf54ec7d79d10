-- The claim: the unit's days that were over and settled when its fetch began, and read whole, with the rows each holds
-- now. `added`: rows that this commit put on days that it does not claim; older claims on them are believed with so
-- many rows more. `digest` and `held`: for the comparison with the next fetch, unless others committed meanwhile; the
-- rows from @held_from on. `children`: the rows that the child tables hold on the days of this unit's children, and the new ones.
SET (first_day, last_day) = (SELECT AS STRUCT MIN(d), MAX(d) FROM (${days}) AS s);
${child_days}
INSERT INTO `${runs}`
  (committed_at, stream, from_date, to_date, open_ended, claimed, added, children, run_id, message_id, fetch_began_at,
   fetched, inserted, content_changes, rejected, caseload_version, workspace_id, source_type, timezone, dataset,
   incomplete, left_out, children_from, digest, held)
SELECT CURRENT_TIMESTAMP(), @stream, @lo, @hi, @open,
       ARRAY(SELECT AS STRUCT d AS day, COUNT(t.partition_date) AS row_count
               FROM UNNEST(GENERATE_DATE_ARRAY(@lo, @claim_hi)) AS d
               LEFT JOIN (SELECT partition_date FROM `${table}` WHERE partition_date BETWEEN @lo AND @claim_hi) AS t
                 ON t.partition_date = d
              WHERE d NOT IN (${unclaimed})
              GROUP BY d
              ORDER BY d),
       ARRAY(SELECT AS STRUCT partition_date AS day, COUNT(*) AS row_count
               FROM `${table}`
              WHERE partition_date BETWEEN first_day AND last_day
                AND (NOT partition_date BETWEEN @lo AND @claim_hi OR partition_date IN (${unclaimed}))
                AND _run_id = @run_id AND _loaded_at >= transaction_began_at
              GROUP BY partition_date
              ORDER BY partition_date),
       ARRAY(${children}),
       @run_id, @message_id, @began_at, @fetched, ${counter_sum}, n_content_changes, n_rejected, @version,
       @workspace_id, @source_type, @timezone, @dataset, @incomplete,
       ARRAY(SELECT child FROM UNNEST([${left_out}]) AS child WHERE child != ''), ${children_from},
       IF(@digest != 0 AND (SELECT COUNT(*) FROM UNNEST(commits_since) AS c WHERE c.run_id != @run_id) = 0, @digest, NULL),
       (SELECT COUNT(*) FROM `${table}` WHERE partition_date >= @held_from);

COMMIT TRANSACTION;
