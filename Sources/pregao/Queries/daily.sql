-- The last ten days of every series
SELECT *
FROM lake.refined.quotes_daily
WHERE trading_day > (SELECT max(trading_day) FROM lake.refined.quotes_daily) - 10
ORDER BY symbol, feed, price_type, trading_day;
