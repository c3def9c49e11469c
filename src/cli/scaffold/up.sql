CREATE TABLE {{name}} (
    id         uuid         NOT NULL DEFAULT gen_random_uuid(),
    title      varchar(200) NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT {{name}}_pkey PRIMARY KEY (id)
);

CREATE INDEX {{name}}_created_at_idx ON {{name}} (created_at);
