-- A node says that it lives. Gives the ids of all nodes that do.
--
-- starling:nodes is a sorted set: ids by the time until which they live, in milliseconds by the clock of Redis.
local node, life, before = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if before ~= '' then
    redis.call('ZREM', 'starling:nodes', before)
end
if life > 0 then
    redis.call('ZADD', 'starling:nodes', now + life, node)
end
redis.call('ZREMRANGEBYSCORE', 'starling:nodes', '-inf', now)
return redis.call('ZRANGE', 'starling:nodes', 0, -1)
