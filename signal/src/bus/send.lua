-- Hands a word to the node at which a peer is registered. Gives how many nodes got it: one, or none.
local node, room, peer, word = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, other in ipairs(redis.call('HKEYS', 'starling:room:' .. room)) do
    local lives_until = other ~= node and redis.call('ZSCORE', 'starling:nodes', other)
    if lives_until and tonumber(lives_until) > now
        and redis.call('HEXISTS', 'starling:peers:' .. room .. other, peer) == 1 then
        return redis.call('PUBLISH', 'starling:node:' .. other, word)
    end
end
return 0
