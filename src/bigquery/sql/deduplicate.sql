-- Writes the records that are there twice once more, each reading once, and deletes what was there before, in one
-- transaction: rows that are equal in all columns can't be told apart by a DELETE. Running it again changes nothing.
BEGIN TRANSACTION;
INSERT INTO `${target}` (${columns}, _loaded_at, _run_id)
SELECT ${columns}, deduplicated_at, 'deduplicated'
  FROM (SELECT ${columns},
               ROW_NUMBER() OVER (PARTITION BY ${row} ORDER BY _read_at) > 1
               AND (${repeated} IS NOT DISTINCT FROM LAG(${repeated}) OVER (PARTITION BY ${row} ORDER BY _read_at)
                    OR _read_at = LAG(_read_at) OVER (PARTITION BY ${row} ORDER BY _read_at)) AS is_repeat
          FROM `${target}`
         WHERE partition_date >= DATE '0001-01-01') AS r
 WHERE TRUE
QUALIFY NOT is_repeat AND COUNTIF(is_repeat) OVER (PARTITION BY ${row}) > 0;
DELETE FROM `${target}` AS t
 WHERE partition_date >= DATE '0001-01-01' AND _loaded_at != deduplicated_at
   AND EXISTS (SELECT 1
                 FROM `${target}` AS m
                WHERE m.partition_date >= DATE '0001-01-01' AND m._loaded_at = deduplicated_at AND ${match});
COMMIT TRANSACTION;
