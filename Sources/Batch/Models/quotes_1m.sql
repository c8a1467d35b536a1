-- Equal times are ordered by the log's position, so that the same quotes always give the same open and close.
SELECT
    symbol,
    feed,
    price_type,
    date_trunc('minute', observed_at) AS minute,
    min_by(price, (observed_at, _partition, _offset)) AS open,
    max(price) AS high,
    min(price) AS low,
    max_by(price, (observed_at, _partition, _offset)) AS close,
    count(*) AS quotes,
    min(observed_at) AS first_time,
    max(observed_at) AS last_time,
    trading_day
FROM raw.quotes
GROUP BY symbol, feed, price_type, date_trunc('minute', observed_at), trading_day
