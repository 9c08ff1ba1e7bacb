"""The bus: topics of records between processes; SQLite on one machine, Kafka in a hospital."""
