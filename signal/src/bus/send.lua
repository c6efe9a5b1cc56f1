-- Hands a word to the node at which a peer is registered. Gives how many nodes got it: one, or none.
-- It goes by the shard of a cluster that has the room, and by no other.
local nodes, shares = KEYS[1], KEYS[2]
local prefix, node, room, peer, word = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, other in ipairs(redis.call('HKEYS', shares)) do
    local lives_until = other ~= node and redis.call('ZSCORE', nodes, other)
    if lives_until and tonumber(lives_until) > now
        and redis.call('HEXISTS', prefix .. 'peers:' .. room .. other, peer) == 1 then
        return redis.call('SPUBLISH', prefix .. 'node:' .. other, word)
    end
end
return 0
