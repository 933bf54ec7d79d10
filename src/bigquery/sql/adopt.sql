-- Counts the rows without a ledger that can't stay: those on a wrong day, and those without a key.
SELECT COUNTIF(${misplaced}) AS misplaced, COUNTIF(${keyless}) AS keyless
  FROM `${table}`
 WHERE partition_date >= DATE '0001-01-01'
