-- Marks the rejected records of a stream that are loaded since.
UPDATE `${rejected}` AS j
   SET mended_at = CURRENT_TIMESTAMP()
 WHERE j.rejected_date >= @since AND j.stream IN (@stream, CONCAT(@stream, '_reconciliation'))
   AND j.mended_at IS NULL
   AND EXISTS (SELECT 1
                 FROM `${table}` AS t
                WHERE t.partition_date >= DATE '0001-01-01' AND CAST(t.${key} AS STRING) = j.id AND t._loaded_at > j.rejected_at);
SELECT @@row_count AS mended;
