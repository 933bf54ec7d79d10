-- Suspects: records whose newest version is older than the listing, which the listing lacks, and which are not known
-- to be deleted. Those that were found alive before come last, the longest unasked first; the others in random order.
WITH suspects AS (
  SELECT m.${key} AS id, a.asked_at, RAND() AS place
    FROM (${suspects}) AS m
    LEFT JOIN (SELECT id, MAX(asked_at) AS asked_at
                 FROM `${missing}`
                WHERE list_began_at >= TIMESTAMP '0001-01-01 00:00:00+00' AND stream = @stream AND answer = 'alive'
                GROUP BY id) AS a ON a.id = m.${key})
SELECT id, (SELECT COUNT(*) FROM suspects) AS total, (SELECT COUNT(asked_at) FROM suspects) AS alive
  FROM suspects
 ORDER BY asked_at, place
 LIMIT ${ceiling}
