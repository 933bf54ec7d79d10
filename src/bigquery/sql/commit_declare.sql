-- The commit of one unit: a set union of what was staged into the stream's tables, and the ledger row that
-- claims it, in one transaction.
DECLARE days ARRAY<DATE>;
DECLARE first_day, last_day DATE;
DECLARE ${counters}, n_rejected, n_doubled INT64 DEFAULT 0;
