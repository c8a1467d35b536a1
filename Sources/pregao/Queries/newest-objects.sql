-- The ten newest raw objects
SELECT dataset, partition, start_offset, end_offset, rows, rejected, size, status, registered_at, key
FROM lake.pregao.objects
ORDER BY sequence DESC, key
LIMIT 10;
