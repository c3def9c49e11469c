-- what is to be sent: whoever sends takes rows WHERE sent_at IS NULL ... FOR UPDATE SKIP LOCKED, and sets sent_at
CREATE TABLE outbox (
    id         uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id    uuid         NOT NULL,
    kind       text         NOT NULL,
    recipient  varchar(255) NOT NULL,
    subject    text         NOT NULL,
    body       text         NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT outbox_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT outbox_kind_check CHECK (kind IN ('welcome', 'reminder'))
);

-- nobody is welcomed twice, however often it is asked for
CREATE UNIQUE INDEX outbox_welcome_idx ON outbox (user_id) WHERE kind = 'welcome';

CREATE INDEX outbox_user_id_idx ON outbox (user_id, created_at DESC);

CREATE INDEX outbox_unsent_idx ON outbox (created_at) WHERE sent_at IS NULL;
