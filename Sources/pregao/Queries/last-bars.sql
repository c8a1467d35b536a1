-- The last ten minutes of every series
SELECT symbol, feed, price_type, minute, open, high, low, close, quotes
FROM lake.refined.quotes_1m
WHERE minute > (SELECT max(minute) FROM lake.refined.quotes_1m) - INTERVAL 10 MINUTE
ORDER BY symbol, feed, price_type, minute;
