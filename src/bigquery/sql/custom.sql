-- One column an attribute: the inner query extracts the value, the outer one converts it.
SELECT ${key}${columns}
  FROM (SELECT ${key}${values}
          FROM `${latest}`) AS r
