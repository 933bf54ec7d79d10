-- One column an attribute: inside its value as it came, outside with its type.
SELECT ${key}${columns}
  FROM (SELECT ${key}${values}
          FROM `${latest}`) AS r
