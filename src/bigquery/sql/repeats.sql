-- Counts the rows that repeat the reading before them.
SELECT COUNT(*) AS doubled
  FROM (SELECT partition_date
          FROM `${target}`
         WHERE partition_date >= DATE '0001-01-01'
       QUALIFY ROW_NUMBER() OVER (PARTITION BY ${row} ORDER BY _read_at) > 1
           AND (${repeated} IS NOT DISTINCT FROM LAG(${repeated}) OVER (PARTITION BY ${row} ORDER BY _read_at)
                OR _read_at = LAG(_read_at) OVER (PARTITION BY ${row} ORDER BY _read_at))) AS again
