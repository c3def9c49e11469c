CREATE TABLE files (
    id           uuid          NOT NULL DEFAULT gen_random_uuid(),
    name         varchar(1024) NOT NULL,
    content_type varchar(255)  NOT NULL,
    bytes        bigint        NOT NULL,
    note         varchar(200)  NOT NULL DEFAULT '',
    owner_id     uuid          NOT NULL,
    created_at   timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT files_pkey PRIMARY KEY (id),
    CONSTRAINT files_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
);

-- somebody's files, the newest first, and by id where two were made at once
CREATE INDEX files_owner_id_created_at_id_idx ON files (owner_id, created_at DESC, id DESC);
