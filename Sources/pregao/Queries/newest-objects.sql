-- The ten newest raw objects
SELECT key, status, rows, rejected, size, registered_at
FROM lake.pregao.objects
ORDER BY sequence DESC, key
LIMIT 10;
