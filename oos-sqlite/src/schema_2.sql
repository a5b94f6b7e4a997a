-- Schema 2: the executions that an owner drives, so that it can renew its leases without reading ended ones.

CREATE INDEX execution_owner ON execution (owner) WHERE owner IS NOT NULL AND ended IS NULL;
