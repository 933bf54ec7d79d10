-- The newest rows as a table. One statement: readers see the old one or the new one.
CREATE OR REPLACE TABLE `${latest}`
CLUSTER BY ${key}
OPTIONS (description = '${description}', labels = [('app', 'caseload'), ('as_of', '${as_of}')])
AS
${query}
