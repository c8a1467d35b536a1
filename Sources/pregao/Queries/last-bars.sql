-- The last ten minutes of every series, prices to eight decimals
SELECT symbol, feed, price_type, minute,
    CAST(open AS DECIMAL(38, 8)) AS open, CAST(high AS DECIMAL(38, 8)) AS high,
    CAST(low AS DECIMAL(38, 8)) AS low, CAST(close AS DECIMAL(38, 8)) AS close, quotes
FROM lake.refined.quotes_1m
WHERE minute > (SELECT max(minute) FROM lake.refined.quotes_1m) - INTERVAL 10 MINUTE
ORDER BY symbol, feed, price_type, minute;
