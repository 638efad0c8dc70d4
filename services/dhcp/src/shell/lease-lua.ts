/**
 * The lease state in Redis and the scripts that give addresses to machines. One network has
 *   mac   hash  mac → `address|state|untilMs|holdMs|known`
 *   addr  hash  address → mac that has it, `!` while it is quarantined, `~<replica>` while it is in a replica's stock
 *   due   zset  address, by the ms at which nothing holds it any more
 *   idle  zset  addresses given back, oldest first
 *   stock zset  addresses in somebody's stock, by the same ms
 *   next  hash  `sig`, `pos`: how far the ranges were handed out once
 * States: `o` offered, `l` leased, `x` not held (expired or released; the address is what the client had).
 * Invariant: `addr` alone says who has an address, and only scripts write it: no interleaving gives one to two MACs.
 * A stock is a claim that anybody may break who needs that very address: its replica learns it when it wants to use it.
 * The scripts take many questions at once: under load a call costs more than what it does.
 */
import { outboxLua } from '@ironbus/store';

/** KEYS of every script, in this order; `seq` is one hash for all networks of the rack, `outbox` the store's. */
export const leaseKeys = ['mac', 'addr', 'due', 'idle', 'next', 'stock', 'seq', 'outbox'] as const;

export const leaseCommon = `${outboxLua}
local K = { mac = KEYS[1], addr = KEYS[2], due = KEYS[3], idle = KEYS[4], next = KEYS[5], stock = KEYS[6], seq = KEYS[7], outbox = KEYS[8] }
local function read(mac)
  local text = redis.call('HGET', K.mac, mac)
  if not text then return nil end
  local a, s, u, h, k = string.match(text, '^(.-)|(.)|(%d+)|(%d+)|(%d)$')
  return { address = a, state = s, til = tonumber(u), hold = tonumber(h), known = k == '1' }
end
local function write(mac, a, s, til, hold, known)
  redis.call('HSET', K.mac, mac, string.format('%s|%s|%.0f|%.0f|%s', a, s, til, hold, known and '1' or '0'))
end
local function is_stock(h) return string.byte(h) == 126 end
local function stands_in(h) return h == '!' or is_stock(h) end
-- Who has an address, stocks left out.
local function holder(a)
  local h = redis.call('HGET', K.addr, a)
  if not h or is_stock(h) then return nil, h end
  return h, h
end
local function free_for(a, mac)
  local h = holder(a)
  return h == nil or h == mac
end
-- \`before\` is what \`addr\` said: what can not be in a set need not be taken out of it.
local function take(a, who, hold, before)
  redis.call('HSET', K.addr, a, who)
  redis.call('ZADD', K.due, string.format('%.0f', hold), a)
  if not before then redis.call('ZREM', K.idle, a) elseif is_stock(before) then redis.call('ZREM', K.stock, a) end
end
local function give_back(a, now)
  redis.call('HDEL', K.addr, a)
  redis.call('ZREM', K.due, a)
  redis.call('ZREM', K.stock, a)
  redis.call('ZADD', K.idle, now, a)
end
-- Whether the end of a held address ends a lease that was told of: the record's own, or one that a later offer of another
-- address (a new reservation) took the record from and that no grant replaced since.
local function ends_lease(rec, a)
  if not rec then return true end
  if rec.address == a then return rec.state == 'l' end
  return rec.state ~= 'l'
end
local function tell(mac, head, tail)
  local n = redis.call('HINCRBY', K.seq, mac, 1)
  add_row(K.outbox, mac, head .. n .. tail)
  return n
end
`;

/** Fields of one question to `offerLua`. */
export const offerFields = 5;
/**
 * ARGV: now, offer until, the replica's mark, dry 0/1; then for each question mac, reserved or '', wanted or '', an
 * address of the replica's stock or '', an address that this MAC may not have or ''.
 * Returns outcome and address for each: reserved, held, previous, wanted, free (the stock's), `need` where the stock's is
 * needed and none was given, `gone` where somebody else had to have it.
 * Address order: RFC 2131 §4.3.1, after what is reserved.
 */
export const offerLua = `${leaseCommon}
local now, til, mark, dry = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'
local function choose(rec, mac, reserved, wanted, candidate, refused)
  if reserved ~= '' and free_for(reserved, mac) then return 'reserved', reserved end
  if rec and rec.address ~= refused and rec.state ~= 'x' and holder(rec.address) == mac then return 'held', rec.address end
  if rec and rec.address ~= refused and rec.state == 'x' and not holder(rec.address) then return 'previous', rec.address end
  if wanted ~= '' and not holder(wanted) then return 'wanted', wanted end
  if candidate == '' then return 'need', '' end
  local who, raw = holder(candidate)
  if raw == mark or (dry and not who) then return 'free', candidate end
  return 'gone', ''
end
local function offer(mac, reserved, wanted, candidate, refused)
  local rec = read(mac)
  local outcome, a = choose(rec, mac, reserved, wanted, candidate, refused)
  if dry or a == '' then return outcome, a end
  local _, before = holder(a)
  local same = rec and rec.address == a and before == mac
  if same and rec.state == 'l' then
    if rec.hold < til then write(mac, a, 'l', rec.til, til, true) else return outcome, a end
  else
    local known = rec ~= nil and (rec.known or rec.state == 'l' or rec.state == 'x')
    if rec and rec.state == 'o' and rec.address ~= a and holder(rec.address) == mac then give_back(rec.address, now) end
    write(mac, a, 'o', til, til, known and rec.address == a)
  end
  take(a, mac, til, before)
  return outcome, a
end
local out = {}
for i = 5, #ARGV, ${offerFields} do
  out[#out + 1], out[#out + 2] = offer(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
return out
`;

/** Fields of one question to `confirmLua`. */
export const confirmFields = 10;
/**
 * ARGV: now; then for each question mac, address, state (selecting, init-reboot, extending, bootp), allowed 0/1, reserved
 * or '', until, hold, \`granted\` or \`renewed\` as the caller expects it, and head and tail of that event's row, split where
 * the sequence goes.
 * Returns outcome and detail for each: granted or renewed and the sequence, nak or ignore and the reason, \`expect\` and
 * what it would be where the caller expected the other: nothing is changed then. RFC 2131 §4.3.2.
 */
export const confirmLua = `${leaseCommon}
local now = tonumber(ARGV[1])
local function refusal(rec, who, mac, address, state, reserved)
  if reserved ~= '' and reserved ~= address and state ~= 'selecting' and rec and free_for(reserved, mac) then
    return 'nak', 'reserved-elsewhere'
  end
  local fresh = state == 'init-reboot' and not rec and address ~= reserved
  if who and who ~= mac then
    if fresh then return 'ignore', 'no-record' end
    return 'nak', 'address-taken'
  end
  if rec and rec.address == address and who == mac and rec.state ~= 'x' then return nil end
  if rec and rec.state ~= 'x' and rec.address ~= address and holder(rec.address) == mac and address ~= reserved then
    return 'nak', 'other-address'
  end
  if fresh then return 'ignore', 'no-record' end
  if state == 'init-reboot' and rec and rec.address ~= address and address ~= reserved then return 'nak', 'other-address' end
  return nil
end
local function confirm(mac, address, state, allowed, reserved, til, hold, expected, head, tail)
  local rec = read(mac)
  if allowed ~= '1' then
    if rec or state == 'selecting' then return 'nak', 'address-not-available' end
    return 'ignore', 'no-record'
  end
  local who, before = holder(address)
  local outcome, reason = refusal(rec, who, mac, address, state, reserved)
  if outcome then return outcome, reason end
  local how = (rec and rec.address == address and who == mac and rec.state == 'l') and 'renewed' or 'granted'
  if how ~= expected then return 'expect', how end
  if rec and rec.address ~= address and rec.state ~= 'x' and holder(rec.address) == mac then give_back(rec.address, now) end
  write(mac, address, 'l', til, hold, true)
  take(address, mac, hold, before)
  return how, tell(mac, head, tail)
end
local out = {}
for i = 2, #ARGV, ${confirmFields} do
  out[#out + 1], out[#out + 2] = confirm(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4],
    tonumber(ARGV[i + 5]), tonumber(ARGV[i + 6]), ARGV[i + 7], ARGV[i + 8], ARGV[i + 9])
end
return out
`;
