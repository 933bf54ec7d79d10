-- Commits one unit: inserts the staged rows whose keys are missing, and the ledger row that claims the unit, in one
-- transaction.
DECLARE days ARRAY<DATE>;
DECLARE first_day, last_day DATE;
DECLARE ${counters}, n_rejected, n_doubled INT64 DEFAULT 0;
