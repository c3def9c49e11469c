DROP TABLE {{name}};
