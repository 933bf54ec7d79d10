-- One statement, so that readers see the old table or the new one.
CREATE OR REPLACE TABLE `${latest}`
CLUSTER BY ${key}
OPTIONS (description = '${description}', labels = [('app', 'caseload'), ('as_of', '${as_of}')])
AS
${query}
