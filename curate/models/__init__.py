"""Whatever asks a model: generators, judges, embeddings."""
