-- A node says what it has of a room. Gives: the founder's closing or false, how many peers of this node are known, those of them that are registered
-- elsewhere and later, and the other nodes with what they have.
--
-- Behind what all keys of the section begin with: room:ROOM is a hash: what each node has of the room. peers:ROOM+NODE is a hash: since when each peer is
-- registered there, in microseconds by the clock of Redis. closing:ROOM is the founder's closing. Words for other nodes begin with the numbers of word.rs.
local nodes, shares, own, closing_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, node, room, room_life = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local share, news = ARGV[5], ARGV[6] == '1'
local closing, closing_life = ARGV[7], ARGV[8]
local joined_count = tonumber(ARGV[9])
local first_joined, first_left = 10, 10 + 2 * joined_count
local peers_of, channel_of = prefix .. 'peers:' .. room, prefix .. 'node:'

local time = redis.call('TIME')
local now_micros = time[1] * 1000000 + time[2]
local now = math.floor(now_micros / 1000)

-- The others that live. What the dead had is of no use to anybody.
local others, answer = {}, {}
local known = redis.call('HGETALL', shares)
for i = 1, #known, 2 do
    local other = known[i]
    if other ~= node then
        local lives_until = redis.call('ZSCORE', nodes, other)
        if lives_until and tonumber(lives_until) > now then
            others[#others + 1] = other
            answer[#answer + 1] = other
            answer[#answer + 1] = known[i + 1]
        else
            redis.call('HDEL', shares, other)
            redis.call('DEL', peers_of .. other)
        end
    end
end

-- The later registration of a peer counts, whichever of the two is told of first; of two at the same time, that at the node with the higher id.
local superseded = {}
for i = first_joined, first_left - 1, 2 do
    local peer, since = ARGV[i], now_micros - tonumber(ARGV[i + 1])
    local is_superseded = false
    for _, other in ipairs(others) do
        local theirs = peers_of .. other
        local their_since = redis.call('HGET', theirs, peer)
        if their_since then
            their_since = tonumber(their_since)
            if their_since > since or (their_since == since and other > node) then
                is_superseded = true
            else
                redis.call('HDEL', theirs, peer)
                redis.call('SPUBLISH', channel_of .. other, '\4' .. room .. peer)
            end
        end
    end
    if is_superseded then
        superseded[#superseded + 1] = peer
        redis.call('HDEL', own, peer)
    else
        -- Lua itself would round it.
        redis.call('HSET', own, peer, string.format('%.0f', since))
    end
end
for i = first_left, #ARGV do
    redis.call('HDEL', own, ARGV[i])
end

-- The number of peers stands behind eight bytes that count the shares.
if share:sub(9, 12) == '\0\0\0\0' then
    redis.call('HDEL', shares, node)
    redis.call('DEL', own)
else
    redis.call('HSET', shares, node, share)
    redis.call('PEXPIRE', shares, room_life)
    redis.call('PEXPIRE', own, room_life)
end

local closed_now = closing ~= '' and redis.call('SET', closing_key, closing, 'NX', 'PX', closing_life)
for _, other in ipairs(others) do
    if news then
        redis.call('SPUBLISH', channel_of .. other, '\3' .. room .. node .. share)
    end
    if closed_now then
        redis.call('SPUBLISH', channel_of .. other, '\5' .. room .. closing)
    end
end
return { redis.call('GET', closing_key), redis.call('HLEN', own), superseded, answer }
