SET transaction_began_at = CURRENT_TIMESTAMP();

-- The committed fetches of days of this unit that began after this one. For a record that it read before such a fetch
-- began, the commit may add versions, but no contents of known versions: what the other fetch saw is newer.
SET later_fetches = ARRAY(
  SELECT AS STRUCT from_date AS lo, IF(open_ended, DATE '9999-12-31', to_date) AS hi, fetch_began_at AS began_at
    FROM `${runs}`
   WHERE stream = ${reader} AND fetch_began_at > @began_at
     AND (@open OR from_date <= @hi) AND (open_ended OR to_date >= @lo)
   ORDER BY fetch_began_at);
