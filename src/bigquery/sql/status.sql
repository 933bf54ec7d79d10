-- A row a stream: how fresh and how whole it is. state: the reading that runs plan from, so the same days are missing.
-- A day is missing if it lies between the start and the last claimed day, and the table holds fewer rows than its claim
-- says, or nothing claims it.
WITH
  read AS (${state}),
  streams AS (
${streams}),
  records AS (
${records}),
  claims AS (SELECT stream, day, row_count FROM read WHERE kind = 'claim'),
  held AS (SELECT stream, day, row_count FROM read WHERE kind = 'held'),
  bounds AS (SELECT stream, MIN(day) AS first_day, MAX(day) AS last_day FROM claims GROUP BY stream),
  missing AS (
    SELECT b.stream, d AS day
      FROM UNNEST(GENERATE_DATE_ARRAY(DATE '${start}', CURRENT_DATE())) AS d
      JOIN bounds AS b ON d <= b.last_day
      JOIN streams AS s ON s.stream = b.stream AND s.has_days
      LEFT JOIN claims AS c ON c.stream = b.stream AND c.day = d
      LEFT JOIN held AS h ON h.stream = b.stream AND h.day = d
     WHERE c.day IS NULL OR COALESCE(h.row_count, 0) < c.row_count),
  holes AS (
    SELECT stream, COUNT(*) AS missing, ARRAY_AGG(day ORDER BY day LIMIT 100) AS missing_days
      FROM missing
     GROUP BY stream),
  tried AS (
    SELECT stream, outcome, error, ended_at, fresh_at, outcome IN (${good}) AS is_good
      FROM `${attempts}`
     WHERE ended_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 400 DAY)),
  newest AS (
    SELECT stream, outcome, error, ended_at
      FROM tried
     WHERE TRUE
   QUALIFY ROW_NUMBER() OVER (PARTITION BY stream ORDER BY ended_at DESC) = 1),
  good AS (
    SELECT stream, MAX(ended_at) AS ended_at, MAX(fresh_at) AS fresh_at
      FROM tried
     WHERE is_good
     GROUP BY stream),
  failed AS (
    SELECT t.stream, t.outcome, t.error, COUNT(*) OVER (PARTITION BY t.stream) AS failures
      FROM tried AS t
      LEFT JOIN good AS g ON g.stream = t.stream
     WHERE NOT t.is_good AND t.outcome != '${stopped}' AND (g.ended_at IS NULL OR t.ended_at > g.ended_at)
   QUALIFY ROW_NUMBER() OVER (PARTITION BY t.stream ORDER BY t.ended_at DESC) = 1),
  opened AS (SELECT stream, MAX(fetch_began_at) AS fresh_at FROM read WHERE kind = 'open' GROUP BY stream),
  refused AS (
    SELECT stream, COUNT(*) AS rejected
      FROM `${rejected}`
     WHERE rejected_date >= DATE_SUB(CURRENT_DATE(), INTERVAL ${rejected_days} DAY) AND mended_at IS NULL
     GROUP BY stream),
  facts AS (
    SELECT s.stream, s.place, IF(s.has_claims, b.first_day, NULL) AS loaded_from,
           IF(s.has_claims, b.last_day, NULL) AS loaded_to,
           COALESCE(m.missing, 0) AS missing, m.missing_days, r.newest_record_at,
           COALESCE(g.fresh_at, o.fresh_at) AS fresh_at, n.ended_at AS attempted_at, n.outcome,
           f.outcome AS failure, COALESCE(f.error, n.error) AS error, COALESCE(f.failures, 0) AS failures,
           COALESCE(j.rejected, 0) AS rejected,
           TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL ${max_age} SECOND) AS oldest
      FROM streams AS s
      LEFT JOIN bounds AS b ON b.stream = s.stream
      LEFT JOIN holes AS m ON m.stream = s.stream
      LEFT JOIN records AS r ON r.stream = s.stream
      LEFT JOIN good AS g ON g.stream = s.stream
      LEFT JOIN opened AS o ON o.stream = s.stream
      LEFT JOIN newest AS n ON n.stream = s.stream
      LEFT JOIN failed AS f ON f.stream = s.stream
      LEFT JOIN refused AS j ON j.stream = s.stream)
SELECT stream, loaded_from, loaded_to, missing, missing_days, newest_record_at, fresh_at, attempted_at, outcome, error,
       failures, rejected, CURRENT_TIMESTAMP() AS asked_at,
       CASE WHEN failure = '${forbidden}' THEN 'forbidden'
            WHEN failures > 0 THEN 'failed'
            WHEN outcome = '${stopped}' AND (fresh_at IS NULL OR fresh_at < oldest) THEN 'stopped'
            WHEN fresh_at IS NULL THEN 'never loaded'
            WHEN missing > 0 THEN 'holes'
            WHEN fresh_at < oldest THEN 'stale'
            ELSE 'fresh' END AS state
  FROM facts
 ORDER BY place
