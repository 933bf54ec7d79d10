-- Of scans. children: `fetch_began_at` of the newest one that left no child table out; hole: the oldest day on which a
-- child table holds fewer rows than the newest scan that read such days found, and later ones added; unread: a record
-- whose children could not be read.
UNION ALL
SELECT r.stream, 'children', CAST(NULL AS DATE), COUNT(*), MAX(r.committed_at), MAX(r.fetch_began_at), CAST(NULL AS STRING)
  FROM `${runs}` AS r
  LEFT JOIN lacking AS l ON l.stream = r.stream AND l.committed_at = r.committed_at
 WHERE r.stream IN (${scans}) AND r.open_ended AND NOT COALESCE(r.incomplete, FALSE) AND r.children_from IS NOT NULL
   AND l.committed_at IS NULL
 GROUP BY r.stream
UNION ALL
SELECT e.stream, 'hole', MIN(e.day), 0, CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), CAST(NULL AS STRING)
  FROM (SELECT b.stream, b.child, b.day, b.row_count + COALESCE(SUM(a.added), 0) AS row_count
          FROM (SELECT stream, child, day, row_count, committed_at
                  FROM noted
                 WHERE stream IN (${scans}) AND children_from <= day AND NOT COALESCE(incomplete, FALSE)
               QUALIFY ROW_NUMBER() OVER (PARTITION BY stream, child, day ORDER BY committed_at DESC) = 1) AS b
          LEFT JOIN noted AS a
            ON a.stream = b.stream AND a.child = b.child AND a.day = b.day AND a.committed_at > b.committed_at
         GROUP BY b.stream, b.child, b.day, b.row_count) AS e
  LEFT JOIN (${child_rows}) AS h ON h.child = e.child AND h.day = e.day
 WHERE e.row_count > COALESCE(h.row_count, 0)
 GROUP BY e.stream
UNION ALL
SELECT u.stream, 'unread', CAST(NULL AS DATE), 0, CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), u.id
  FROM (SELECT DISTINCT stream, id
          FROM `${rejected}`
         WHERE rejected_date >= @rejected_since AND stream IN (${scans}) AND cause = 'transport' AND mended_at IS NULL
           AND id != '') AS u
 WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY u.stream ORDER BY u.id) <= ${unread_rows}
