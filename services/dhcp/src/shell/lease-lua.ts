/**
 * The lease state in Redis and the scripts that change it. One network has
 *   mac   hash  mac → `address|state|untilMs|holdMs|known`
 *   addr  hash  address → mac that has it, or `!` while it is quarantined
 *   due   zset  address, by the ms at which nothing holds it any more
 *   idle  zset  addresses given back, oldest first
 *   next  hash  `sig`, `pos`: how far the ranges were handed out once
 * States: `o` offered, `l` leased, `x` not held (expired or released; the address is what the client had).
 * Invariant: `addr` alone says who has an address, and only scripts write it: no interleaving gives one to two MACs.
 * Nothing scans: the cursor passes each address once per change of the ranges, then `idle` is popped.
 */
import { outboxLua } from '@ironbus/store';

/** KEYS of every script, in this order; `seq` is one hash for all networks of the rack, `outbox` the store's. */
export const leaseKeys = ['mac', 'addr', 'due', 'idle', 'next', 'seq', 'outbox'] as const;

const common = `${outboxLua}
local K = { mac = KEYS[1], addr = KEYS[2], due = KEYS[3], idle = KEYS[4], next = KEYS[5], seq = KEYS[6], outbox = KEYS[7] }
local function read(mac)
  local text = redis.call('HGET', K.mac, mac)
  if not text then return nil end
  local a, s, u, h, k = string.match(text, '^(.-)|(.)|(%d+)|(%d+)|(%d)$')
  return { address = a, state = s, til = tonumber(u), hold = tonumber(h), known = k == '1' }
end
local function write(mac, a, s, til, hold, known)
  redis.call('HSET', K.mac, mac, string.format('%s|%s|%.0f|%.0f|%s', a, s, til, hold, known and '1' or '0'))
end
local function holder(a) return redis.call('HGET', K.addr, a) or nil end
local function free_for(a, mac)
  local h = holder(a)
  return h == nil or h == mac
end
local function take(a, mac, hold)
  redis.call('HSET', K.addr, a, mac)
  redis.call('ZADD', K.due, string.format('%.0f', hold), a)
  redis.call('ZREM', K.idle, a)
end
local function give_back(a, now)
  redis.call('HDEL', K.addr, a)
  redis.call('ZREM', K.due, a)
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
  add_rows(K.outbox, mac, cjson.encode({ head .. n .. tail }))
  return n
end
`;

const addresses = `
local function to_number(a)
  local p, q, r, s = string.match(a, '^(%d+)%.(%d+)%.(%d+)%.(%d+)$')
  return ((p * 256 + q) * 256 + r) * 256 + s
end
local function to_text(n)
  return string.format('%d.%d.%d.%d', math.floor(n / 16777216) % 256, math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
end
`;

/**
 * ARGV: mac, now, offer until, reserved or '', wanted or '', dry 0/1, signature, steps, ranges as `from-to,…`,
 * then addresses that must not be given out. Returns { outcome, address } with outcome one of reserved, held,
 * previous, wanted, free, exhausted, or `again` where the cursor used up its steps.
 * Address order: RFC 2131 §4.3.1, after what is reserved.
 */
export const offerLua = `${common}${addresses}
local mac, now, til = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local reserved, wanted, dry, signature, steps = ARGV[4], ARGV[5], ARGV[6] == '1', ARGV[7], tonumber(ARGV[8])
local ranges, size = {}, 0
for from, to in string.gmatch(ARGV[9], '(%d+)-(%d+)') do
  ranges[#ranges + 1] = { from = tonumber(from), to = tonumber(to) }
  size = size + tonumber(to) - tonumber(from) + 1
end
local barred = {}
for i = 10, #ARGV do barred[ARGV[i]] = true end

local function in_ranges(a)
  local n = to_number(a)
  for _, r in ipairs(ranges) do if n >= r.from and n <= r.to then return true end end
  return false
end
local function may(a) return a == reserved or (in_ranges(a) and not barred[a]) end
local function at(pos)
  for _, r in ipairs(ranges) do
    local n = r.to - r.from + 1
    if pos < n then return to_text(r.from + pos) end
    pos = pos - n
  end
end
local function from_cursor()
  local pos = 0
  if redis.call('HGET', K.next, 'sig') == signature then pos = tonumber(redis.call('HGET', K.next, 'pos')) end
  local found
  while pos < size and steps > 0 and not found do
    local a = at(pos)
    pos, steps = pos + 1, steps - 1
    if not holder(a) then
      if not barred[a] then found = a elseif not dry then redis.call('ZADD', K.idle, now, a) end
    end
  end
  if not dry then redis.call('HSET', K.next, 'sig', signature, 'pos', pos) end
  return found, pos < size
end
local function from_idle()
  local passed, found = {}, nil
  for _, a in ipairs(redis.call('ZRANGE', K.idle, 0, 15 + 2 * (#ARGV - 9))) do
    if not holder(a) and in_ranges(a) then
      if not barred[a] then found = a break end
      passed[#passed + 1] = a
    elseif not dry then redis.call('ZREM', K.idle, a) end
  end
  if not dry then for _, a in ipairs(passed) do redis.call('ZADD', K.idle, now, a) end end
  return found
end
local function choose(rec)
  if reserved ~= '' and free_for(reserved, mac) then return 'reserved', reserved end
  if rec and rec.state ~= 'x' and holder(rec.address) == mac and may(rec.address) then return 'held', rec.address end
  if rec and rec.state == 'x' and not holder(rec.address) and may(rec.address) then return 'previous', rec.address end
  if wanted ~= '' and not holder(wanted) and may(wanted) then return 'wanted', wanted end
  local a, more = from_cursor()
  if a then return 'free', a end
  if more then return 'again', '' end
  a = from_idle()
  if a then return 'free', a end
  return 'exhausted', ''
end

local rec = read(mac)
-- What an earlier try of this very question took, before the caller saw that it is kept for somebody else.
if rec and not dry and rec.state == 'o' and rec.address ~= reserved and barred[rec.address] and holder(rec.address) == mac then
  give_back(rec.address, now)
  redis.call('HDEL', K.mac, mac)
  rec = nil
end
local outcome, address = choose(rec)
if dry or address == '' then return { outcome, address } end
local same = rec and rec.address == address and holder(address) == mac
if same and rec.state == 'l' and rec.hold >= til then return { outcome, address } end
local known = rec ~= nil and (rec.known or rec.state == 'l' or rec.state == 'x')
if same and rec.state == 'l' then
  write(mac, address, 'l', rec.til, til, true)
else
  if rec and rec.state == 'o' and rec.address ~= address and holder(rec.address) == mac then give_back(rec.address, now) end
  write(mac, address, 'o', til, til, known and rec.address == address)
end
take(address, mac, til)
return { outcome, address }
`;

/**
 * ARGV: mac, now, address, until, hold, state (selecting, init-reboot, extending, bootp), allowed 0/1, reserved or '',
 * then head and tail of the row for lease.granted and of that for lease.renewed, split where the sequence goes.
 * Returns { 'granted' | 'renewed', sequence } or { 'nak' | 'ignore', reason }. RFC 2131 §4.3.2.
 */
export const confirmLua = `${common}
local mac, now, address, til, hold, state = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local allowed, reserved = ARGV[7] == '1', ARGV[8]
local rec = read(mac)
local who = holder(address)
local held = rec and rec.address == address and who == mac and rec.state ~= 'x'

if not allowed then
  if rec or state == 'selecting' then return { 'nak', 'address-not-available' } end
  return { 'ignore', 'no-record' }
end
if reserved ~= '' and reserved ~= address and state ~= 'selecting' and rec and free_for(reserved, mac) then
  return { 'nak', 'reserved-elsewhere' }
end
if who and who ~= mac then
  if state == 'init-reboot' and not rec and address ~= reserved then return { 'ignore', 'no-record' } end
  return { 'nak', 'address-taken' }
end
if not held then
  if rec and rec.state ~= 'x' and rec.address ~= address and holder(rec.address) == mac and address ~= reserved then
    return { 'nak', 'other-address' }
  end
  if state == 'init-reboot' and not rec and address ~= reserved then return { 'ignore', 'no-record' } end
  if state == 'init-reboot' and rec and rec.address ~= address and address ~= reserved then return { 'nak', 'other-address' } end
end

if rec and rec.address ~= address and rec.state ~= 'x' and holder(rec.address) == mac then give_back(rec.address, now) end
local renewed = held and rec.state == 'l'
write(mac, address, 'l', til, hold, true)
take(address, mac, hold)
if renewed then return { 'renewed', tell(mac, ARGV[11], ARGV[12]) } end
return { 'granted', tell(mac, ARGV[9], ARGV[10]) }
`;

/** ARGV: mac, now, address, head, tail. Returns the sequence; 0 where the MAC does not hold the address. RFC 2131 §4.3.4. */
export const releaseLua = `${common}
local mac, now, address = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local rec = read(mac)
if not rec or rec.address ~= address or rec.state == 'x' or holder(address) ~= mac then return 0 end
local told = rec.state == 'l'
give_back(address, now)
write(mac, address, 'x', now, now, true)
if told then return tell(mac, ARGV[4], ARGV[5]) end
return 0
`;

/** ARGV: mac, now, address, quarantined until, head, tail. Returns the sequence; 0 where the MAC does not hold the address. RFC 2131 §4.3.3. */
export const declineLua = `${common}
local mac, address, til = ARGV[1], ARGV[3], tonumber(ARGV[4])
local rec = read(mac)
if not rec or rec.address ~= address or rec.state == 'x' or holder(address) ~= mac then return 0 end
redis.call('HDEL', K.mac, mac)
take(address, '!', til)
return tell(mac, ARGV[5], ARGV[6])
`;

/** ARGV: now, limit. Returns what is due as flat triples: address, mac (or '!'), 1 where a lease ended and is to be told. */
export const dueLua = `${common}
local now, out = tonumber(ARGV[1]), {}
for _, a in ipairs(redis.call('ZRANGEBYSCORE', K.due, '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))) do
  local mac = holder(a)
  local rec = mac and mac ~= '!' and read(mac)
  out[#out + 1] = a
  out[#out + 1] = mac or ''
  out[#out + 1] = (mac and mac ~= '!' and ends_lease(rec, a)) and 1 or 0
end
return out
`;

/** ARGV: now, address, mac as \`dueLua\` gave it, head, tail. Returns 1 where the address became free, 0 where it was renewed meanwhile. */
export const expireLua = `${common}
local now, address, mac = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local score = redis.call('ZSCORE', K.due, address)
if not score or tonumber(score) > now or (holder(address) or '') ~= mac then return 0 end
local nobody = mac == '' or mac == '!'
local rec = not nobody and read(mac) or nil
local ends = not nobody and ends_lease(rec, address)
-- It became one between the two scripts: the next look brings its row.
if ends and ARGV[4] == '' then return 0 end
give_back(address, now)
if ends then tell(mac, ARGV[4], ARGV[5]) end
if not rec or rec.address ~= address then return 1 end
if rec.state == 'l' then write(mac, address, 'x', rec.til, rec.hold, true)
elseif rec.known then write(mac, address, 'x', rec.til, rec.hold, true)
else redis.call('HDEL', K.mac, mac) end
return 1
`;
