/// The tables of `lake.pregao`.
enum LedgerTables {
    static let creation = """
        CREATE SCHEMA IF NOT EXISTS lake.raw;
        CREATE SCHEMA IF NOT EXISTS lake.refined;
        CREATE SCHEMA IF NOT EXISTS lake.pregao;
        CREATE TABLE IF NOT EXISTS lake.pregao.turn (n BIGINT);
        INSERT INTO lake.pregao.turn SELECT 0 WHERE NOT EXISTS (FROM lake.pregao.turn);
        CREATE TABLE IF NOT EXISTS lake.pregao.objects (
            key VARCHAR, bucket VARCHAR, location VARCHAR, dataset VARCHAR, schema_version INTEGER, epoch VARCHAR,
            topic VARCHAR, partition INTEGER, start_offset BIGINT, end_offset BIGINT, rows BIGINT, rejected BIGINT,
            size BIGINT, sha256 VARCHAR, status VARCHAR, reason VARCHAR, announced_at TIMESTAMPTZ,
            registered_at TIMESTAMPTZ, sequence BIGINT);
        CREATE TABLE IF NOT EXISTS lake.pregao.object_days (
            key VARCHAR, dataset VARCHAR, trading_day DATE, rows BIGINT, first_time TIMESTAMPTZ,
            last_time TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS lake.pregao.ranges (
            epoch VARCHAR, topic VARCHAR, partition INTEGER, start_offset BIGINT, end_offset BIGINT);
        CREATE TABLE IF NOT EXISTS lake.pregao.models (model VARCHAR, source VARCHAR, reach_days INTEGER);
        CREATE TABLE IF NOT EXISTS lake.pregao.dirt (
            model VARCHAR, trading_day DATE, sequence BIGINT, first_time TIMESTAMPTZ, last_time TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS lake.pregao.publications (
            model VARCHAR, trading_day DATE, version BIGINT, sequence BIGINT, rows BIGINT, path VARCHAR, size BIGINT,
            sha256 VARCHAR, published_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS lake.pregao.publication_inputs (
            model VARCHAR, trading_day DATE, version BIGINT, input VARCHAR, sha256 VARCHAR);
        CREATE TABLE IF NOT EXISTS lake.pregao.failed_runs (
            model VARCHAR, trading_day DATE, reason VARCHAR, failed_at TIMESTAMPTZ);
        """

    /// Every column of every table of the lake.
    static let columnsQuery = """
        SELECT schema_name, table_name, column_name FROM duckdb_columns()
        WHERE database_name = 'lake' AND NOT internal;
        """
}
