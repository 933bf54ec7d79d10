SET transaction_began_at = CURRENT_TIMESTAMP();

-- What was committed into these tables since this fetch began. A reconciliation reads all days.
IF NOT is_alone THEN
  SET commits_since = ARRAY(
    SELECT AS STRUCT stream, run_id, IF(stream = ${reader}, from_date, DATE '0001-01-01') AS lo,
           IF(open_ended, DATE '9999-12-31', to_date) AS hi, fetch_began_at AS began_at
      FROM `${runs}`
     WHERE stream IN (${reader}, CONCAT(${reader}, '_reconciliation')) AND committed_at > @began_at
     ORDER BY committed_at);
END IF;
-- The committed fetches of days of this unit that began after this one. For a record that it read before such a fetch
-- began, the commit may add versions, but no contents of known versions: what the other fetch saw is newer.
SET later_fetches = ARRAY(
  SELECT AS STRUCT lo, hi, began_at
    FROM UNNEST(commits_since)
   WHERE stream IN (${readers}) AND began_at > @began_at AND (@open OR lo <= @hi) AND hi >= @lo);
