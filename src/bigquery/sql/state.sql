-- The state of streams, in one consistent read. The meaning of each kind of row:
-- now: `seen_at` is the warehouse's clock; open: `fetch_began_at` of the newest unit that was open at the top;
-- held: rows of a day; claim: the newest claim on a day; own: the newest claim on a day by @message_id. The rows of a
-- claim are those that it counted, and those that later commits added on a day that they did not claim; more than any
-- table holds if rows of its children are missing; lacks: a child table that it left out; last, last_held: digest and
-- rows of the newest commit that did more than to note a fetch; unsettled: records wait in
-- `rejected` to be fetched again. Days before @first_day, when the source began, do not
-- matter: a ledger of a mistaken year must not fill the answer.
WITH
  held AS (
${held}),
  claims AS (
    SELECT r.stream, c.day, c.row_count, r.committed_at, r.fetch_began_at, r.message_id
      FROM `${runs}` AS r, UNNEST(r.claimed) AS c
     WHERE r.stream IN (${streams}) AND c.day >= @first_day),
  newest AS (
    SELECT stream, day, row_count, committed_at, fetch_began_at
      FROM claims
     WHERE TRUE
   QUALIFY ROW_NUMBER() OVER (PARTITION BY stream, day ORDER BY committed_at DESC) = 1),
  own AS (
    SELECT stream, day, row_count, committed_at, fetch_began_at
      FROM claims
     WHERE message_id = @message_id AND @message_id != ''
   QUALIFY ROW_NUMBER() OVER (PARTITION BY stream, day ORDER BY committed_at DESC) = 1),
  added AS (
    SELECT w.stream, a.day, a.row_count, r.committed_at
      FROM `${runs}` AS r, UNNEST(r.added) AS a
      JOIN (SELECT stream FROM UNNEST([${streams}]) AS stream) AS w
        ON r.stream IN (w.stream, CONCAT(w.stream, '_reconciliation'))),
  newest_added AS (
    SELECT n.stream, n.day, SUM(a.row_count) AS row_count
      FROM newest AS n
      JOIN added AS a ON a.stream = n.stream AND a.day = n.day AND a.committed_at > n.committed_at
     GROUP BY n.stream, n.day),
  own_added AS (
    SELECT o.stream, o.day, SUM(a.row_count) AS row_count
      FROM own AS o
      JOIN added AS a ON a.stream = o.stream AND a.day = o.day AND a.committed_at > o.committed_at
     GROUP BY o.stream, o.day),
  last AS (
    SELECT w.stream, r.committed_at, r.digest, r.held
      FROM `${runs}` AS r
      JOIN (SELECT stream FROM UNNEST([${streams}]) AS stream) AS w
        ON r.stream IN (w.stream, CONCAT(w.stream, '_reconciliation'))
     WHERE r.same_as IS NULL
   QUALIFY ROW_NUMBER() OVER (PARTITION BY w.stream ORDER BY r.committed_at DESC) = 1),
  claimants AS (
    SELECT DISTINCT stream, committed_at
      FROM (SELECT stream, committed_at FROM newest
             UNION ALL
            SELECT stream, committed_at FROM own
             UNION ALL
            SELECT stream, committed_at FROM last) AS c),
  noted AS (
    SELECT r.stream, r.committed_at, r.incomplete, r.children_from, c.child, c.day, c.row_count, c.added
      FROM `${runs}` AS r, UNNEST(r.children) AS c
     WHERE r.stream IN (${streams}) AND c.child IN (${child_names})),
  expected AS (
    SELECT n.stream, n.committed_at, n.child, n.day, n.row_count + COALESCE(SUM(a.added), 0) AS row_count
      FROM noted AS n
      JOIN claimants AS c ON c.stream = n.stream AND c.committed_at = n.committed_at
      LEFT JOIN noted AS a
        ON a.stream = n.stream AND a.child = n.child AND a.day = n.day AND a.committed_at > n.committed_at
     GROUP BY n.stream, n.committed_at, n.child, n.day, n.row_count),
  broken AS (
    SELECT DISTINCT e.stream, e.committed_at
      FROM expected AS e
      LEFT JOIN (${child_rows}) AS h ON h.child = e.child AND h.day = e.day
     WHERE e.row_count > COALESCE(h.row_count, 0)),
  lacking AS (
    SELECT r.stream, r.committed_at, child
      FROM `${runs}` AS r, UNNEST(r.left_out) AS child
     WHERE r.stream IN (${streams}) AND child IN (${child_names}))
SELECT '' AS stream, 'now' AS kind, CAST(NULL AS DATE) AS day, 0 AS row_count, CURRENT_TIMESTAMP() AS seen_at,
       CAST(NULL AS TIMESTAMP) AS fetch_began_at, CAST(NULL AS STRING) AS name
UNION ALL
SELECT stream, 'open', CAST(NULL AS DATE), COUNT(*), MAX(committed_at), MAX(fetch_began_at), CAST(NULL AS STRING)
  FROM `${runs}`
 WHERE stream IN (${streams}) AND open_ended AND NOT COALESCE(incomplete, FALSE)
 GROUP BY stream
UNION ALL
SELECT stream, 'held', day, row_count, CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), CAST(NULL AS STRING) FROM held
UNION ALL
SELECT n.stream, 'claim', n.day, IF(b.committed_at IS NULL, n.row_count + COALESCE(a.row_count, 0), 9223372036854775807), n.committed_at, n.fetch_began_at,
       CAST(NULL AS STRING)
  FROM newest AS n
  LEFT JOIN newest_added AS a ON a.stream = n.stream AND a.day = n.day
  LEFT JOIN broken AS b ON b.stream = n.stream AND b.committed_at = n.committed_at
UNION ALL
SELECT o.stream, 'own', o.day, IF(b.committed_at IS NULL, o.row_count + COALESCE(a.row_count, 0), 9223372036854775807), o.committed_at, o.fetch_began_at,
       CAST(NULL AS STRING)
  FROM own AS o
  LEFT JOIN own_added AS a ON a.stream = o.stream AND a.day = o.day
  LEFT JOIN broken AS b ON b.stream = o.stream AND b.committed_at = o.committed_at
UNION ALL
SELECT n.stream, 'lacks', n.day, 0, CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), l.child
  FROM newest AS n
  JOIN lacking AS l ON l.stream = n.stream AND l.committed_at = n.committed_at
UNION ALL
SELECT l.stream, 'last', CAST(NULL AS DATE), l.digest, l.committed_at, CAST(NULL AS TIMESTAMP), CAST(NULL AS STRING)
  FROM last AS l
  LEFT JOIN broken AS b ON b.stream = l.stream AND b.committed_at = l.committed_at
 WHERE l.digest IS NOT NULL AND b.committed_at IS NULL
UNION ALL
SELECT stream, 'unsettled', CAST(NULL AS DATE), COUNT(*), CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), CAST(NULL AS STRING)
  FROM `${rejected}`
 WHERE rejected_date >= @rejected_since AND stream IN (${streams}) AND cause = 'transport' AND mended_at IS NULL
 GROUP BY stream
UNION ALL
SELECT stream, 'last_held', CAST(NULL AS DATE), held, committed_at, CAST(NULL AS TIMESTAMP), CAST(NULL AS STRING)
  FROM last
 WHERE held IS NOT NULL
