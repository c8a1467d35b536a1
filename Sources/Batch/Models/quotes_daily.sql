SELECT
    symbol,
    feed,
    price_type,
    min_by(open, minute) AS open,
    max(high) AS high,
    min(low) AS low,
    max_by(close, minute) AS close,
    CAST(sum(quotes) AS BIGINT) AS quotes,
    count(*) AS minutes,
    min(first_time) AS first_time,
    max(last_time) AS last_time,
    trading_day
FROM refined.quotes_1m
GROUP BY symbol, feed, price_type, trading_day
