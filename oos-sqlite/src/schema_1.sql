-- Schema 1. Times are milliseconds since 1970-01-01T00:00:00Z.

-- Texts of templates, once each however many executions pin them. A digest alone does not name a text: templates that
-- were not made from text have a digest and an empty text.
CREATE TABLE template (
    num    INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    text   TEXT NOT NULL
);
CREATE INDEX template_digest ON template (digest);

-- Root executions: header, length of the journal, owner.
CREATE TABLE execution (
    num     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    format  INTEGER NOT NULL,
    header  TEXT NOT NULL,
    created INTEGER NOT NULL,
    seq     INTEGER NOT NULL DEFAULT 0,
    epoch   INTEGER NOT NULL DEFAULT 0,
    owner   TEXT,
    lease   INTEGER,
    ended   INTEGER
);
CREATE INDEX execution_ended ON execution (ended, num) WHERE ended IS NOT NULL;

CREATE TABLE pinned (
    execution INTEGER NOT NULL,
    place     INTEGER NOT NULL,
    template  INTEGER NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT,
    PRIMARY KEY (execution, place)
) WITHOUT ROWID;
CREATE INDEX pinned_template ON pinned (template);

CREATE TABLE record (
    execution INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    bytes     BLOB NOT NULL,
    PRIMARY KEY (execution, seq)
) WITHOUT ROWID;

CREATE TABLE snapshot (
    execution INTEGER PRIMARY KEY,
    seq       INTEGER NOT NULL,
    bytes     BLOB NOT NULL
);

-- One row per execution, root or child: the columns that queries filter and sort by, and the row itself as JSON.
CREATE TABLE summary (
    num       INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    root      TEXT NOT NULL,
    is_root   INTEGER NOT NULL,
    parent    TEXT,
    status    TEXT NOT NULL,
    template  TEXT,
    category  TEXT NOT NULL,
    start     INTEGER NOT NULL,
    ord       INTEGER NOT NULL,
    tags      TEXT NOT NULL,
    row       TEXT NOT NULL
);
CREATE INDEX summary_root ON summary (root);
CREATE INDEX summary_parent ON summary (parent, ord, id) WHERE parent IS NOT NULL;
CREATE INDEX summary_start ON summary (start, id, status) WHERE is_root = 1;

CREATE TABLE tag (
    summary INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (summary, key)
) WITHOUT ROWID;
CREATE INDEX tag_value ON tag (key, value);

-- For people: what happened, in words that a shell shows.
CREATE VIEW journal AS
    SELECT e.id AS execution, r.seq AS seq,
           strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(CAST(r.bytes AS TEXT), '$.at') / 1000.0, 'unixepoch') AS at,
           (SELECT key FROM json_each(CAST(r.bytes AS TEXT), '$.kind') LIMIT 1) AS kind,
           CAST(r.bytes AS TEXT) AS input
    FROM record r JOIN execution e ON e.num = r.execution;

CREATE VIEW overview AS
    SELECT s.id AS id, s.root AS root, s.parent AS parent, s.status AS status,
           json_extract(s.row, '$.template_name') AS template,
           json_extract(s.row, '$.status_message') AS message,
           strftime('%Y-%m-%dT%H:%M:%SZ', s.start / 1000, 'unixepoch') AS started,
           strftime('%Y-%m-%dT%H:%M:%SZ', json_extract(s.row, '$.end') / 1000, 'unixepoch') AS ended,
           e.seq AS records, e.owner AS owner,
           strftime('%Y-%m-%dT%H:%M:%SZ', e.lease / 1000, 'unixepoch') AS lease
    FROM summary s LEFT JOIN execution e ON e.id = s.id;
