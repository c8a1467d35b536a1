-- Poll slots without a quote, by feed and reason
SELECT feed, reason, count(*) AS gaps, sum(date_diff('second', from_time, to_time)) AS seconds, sum(tries) AS tries
FROM lake.raw.gaps
GROUP BY feed, reason
ORDER BY feed, seconds DESC, reason;
