-- May rows that are there without a ledger stay? Those on a wrong day, or without a key, contradict the set.
SELECT COUNTIF(${misplaced}) AS misplaced, COUNTIF(${keyless}) AS keyless
  FROM `${table}`
 WHERE partition_date >= DATE '0001-01-01'
