-- The newest readings of the sets of the newest versions of their owners. An owner whose set is empty now has no rows.
SELECT ${shown}
  FROM (SELECT *
          FROM `${table}`
         WHERE partition_date >= DATE '0001-01-01'${days}
       QUALIFY _read_at IS NOT DISTINCT FROM MAX(_read_at) OVER (PARTITION BY ${key}, ${version}, partition_date)) AS r
  JOIN (SELECT ${owner_key}, MAX(${owner_version}) AS newest
          FROM `${owner}`
         WHERE partition_date >= DATE '0001-01-01'
         GROUP BY ${owner_key}) AS o
    ON o.${owner_key} = r.${key} AND o.newest = r.${version}
