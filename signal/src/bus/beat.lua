-- A node says that it lives. Gives the ids of all nodes that do; without its own if it was known no more, and has to come back as another.
--
-- starling:nodes is a sorted set: ids by the time until which they live, in milliseconds by the clock of Redis.
local node, life, is_first, before = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lives_until = redis.call('ZSCORE', 'starling:nodes', node)
if life > 0 and (is_first or (lives_until and tonumber(lives_until) > now)) then
    -- First of all that is written: a Redis without memory refuses that, and lets pass what comes later.
    redis.call('ZADD', 'starling:nodes', now + life, node)
end
if before ~= '' then
    redis.call('ZREM', 'starling:nodes', before)
end
redis.call('ZREMRANGEBYSCORE', 'starling:nodes', '-inf', now)
return redis.call('ZRANGE', 'starling:nodes', 0, -1)
