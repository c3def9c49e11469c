CREATE TABLE posts (
    id         uuid         NOT NULL DEFAULT gen_random_uuid(),
    title      varchar(255) NOT NULL,
    content    text         NOT NULL,
    published  boolean      NOT NULL DEFAULT false,
    author_id  uuid         NOT NULL,
    created_at timestamptz  NOT NULL DEFAULT now(),
    updated_at timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT posts_pkey PRIMARY KEY (id),
    CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id) ON DELETE CASCADE
);

-- the list and its total: what is published, newest first, and by id where two were made at once
CREATE INDEX posts_published_created_at_id_idx ON posts (created_at DESC, id DESC) WHERE published;

-- what goes with an account that is deleted
CREATE INDEX posts_author_id_idx ON posts (author_id);
