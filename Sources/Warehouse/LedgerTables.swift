/// The tables of `lake.pregao`.
enum LedgerTables {
    /// The schemas, and where small inserts go: the ledger's rows stay in the metadata rather than become a Parquet
    /// file each. Not so elsewhere: where it is on, DuckLake notes the deletion of a replaced file's rows one by one
    /// and keeps the file, which every reader would then read for ever.
    static let schemas = """
        CREATE SCHEMA lake.raw;
        CREATE SCHEMA lake.refined;
        CREATE SCHEMA lake.pregao;
        CALL lake.set_option('data_inlining_row_limit', 0);
        CALL lake.set_option('data_inlining_row_limit', 1000000, schema => 'pregao');
        """

    static let creation = """
        CREATE TABLE lake.pregao.turn (n BIGINT);
        INSERT INTO lake.pregao.turn VALUES (0);
        CREATE TABLE lake.pregao.objects (
            key VARCHAR, bucket VARCHAR, location VARCHAR, dataset VARCHAR, schema_version INTEGER, epoch VARCHAR,
            topic VARCHAR, partition INTEGER, start_offset BIGINT, end_offset BIGINT, rows BIGINT, rejected BIGINT,
            size BIGINT, sha256 VARCHAR, status VARCHAR, reason VARCHAR, announced_at TIMESTAMPTZ,
            registered_at TIMESTAMPTZ, sequence BIGINT);
        CREATE TABLE lake.pregao.object_days (
            key VARCHAR, dataset VARCHAR, trading_day DATE, rows BIGINT, first_time TIMESTAMPTZ,
            last_time TIMESTAMPTZ);
        CREATE TABLE lake.pregao.ranges (
            epoch VARCHAR, topic VARCHAR, partition INTEGER, start_offset BIGINT, end_offset BIGINT);
        CREATE TABLE lake.pregao.models (model VARCHAR, source VARCHAR, reach_days INTEGER);
        CREATE TABLE lake.pregao.dirt (
            model VARCHAR, trading_day DATE, sequence BIGINT, first_time TIMESTAMPTZ, last_time TIMESTAMPTZ);
        CREATE TABLE lake.pregao.publications (
            model VARCHAR, trading_day DATE, version BIGINT, sequence BIGINT, rows BIGINT, path VARCHAR, size BIGINT,
            sha256 VARCHAR, published_at TIMESTAMPTZ);
        CREATE TABLE lake.pregao.publication_inputs (
            model VARCHAR, trading_day DATE, version BIGINT, input VARCHAR, sha256 VARCHAR);
        CREATE TABLE lake.pregao.failed_runs (
            model VARCHAR, trading_day DATE, reason VARCHAR, failed_at TIMESTAMPTZ);
        """ + "\n" + compaction + "\n" + identity + "\n" + expiration

    /// What a catalog that was made before there was compaction lacks.
    static let compaction = """
        CREATE TABLE lake.pregao.compactions (
            file VARCHAR, location VARCHAR, dataset VARCHAR, day DATE, rows BIGINT, size BIGINT, sha256 VARCHAR,
            compacted_at TIMESTAMPTZ, sequence BIGINT);
        CREATE TABLE lake.pregao.compaction_inputs (file VARCHAR, key VARCHAR);
        """

    /// What tells one catalog from the one that it replaced; made once, with the catalog.
    static let identity = """
        CREATE TABLE lake.pregao.identity (id VARCHAR);
        INSERT INTO lake.pregao.identity SELECT uuid()::VARCHAR;
        """

    /// What a catalog that was made before raw had a retention lacks.
    static let expiration = """
        CREATE TABLE lake.pregao.expirations (
            file VARCHAR, expired_at TIMESTAMPTZ, removed_at TIMESTAMPTZ, sequence BIGINT);
        """

    /// The objects whose rows are read from a compacted file alone, and where that is: `key`, `expired_into`.
    static let expired = """
        SELECT key, location AS expired_into FROM lake.pregao.expirations
        JOIN lake.pregao.compactions USING (file) JOIN lake.pregao.compaction_inputs USING (file)
        """

    /// Every column of every table of the lake.
    static let columnsQuery = """
        SELECT schema_name, table_name, column_name FROM duckdb_columns()
        WHERE database_name = 'lake' AND NOT internal;
        """
}
