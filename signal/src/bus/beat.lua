-- A node says that it lives. Gives the ids of all nodes that do; without its own if it was known no more, and has to come back as another.
--
-- KEYS[1] is a sorted set: ids by the time until which they live, in milliseconds by the clock of Redis.
local nodes = KEYS[1]
local node, life, is_first = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lives_until = redis.call('ZSCORE', nodes, node)
if life > 0 and (is_first or (lives_until and tonumber(lives_until) > now)) then
    -- First of all that is written: a Redis without memory refuses that, and lets pass what comes later.
    redis.call('ZADD', nodes, now + life, node)
end
-- Those as which it lived before.
for i = 4, #ARGV do
    redis.call('ZREM', nodes, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', nodes, '-inf', now)
return redis.call('ZRANGE', nodes, 0, -1)
