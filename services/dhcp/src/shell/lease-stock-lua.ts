/**
 * The scripts of a replica's stock: free addresses that it has claimed and looked at (address conflict probe) before
 * anybody asks. Nothing scans: the cursor passes each address once per change of the ranges, then `idle` is popped.
 */
import { leaseCommon } from './lease-lua.ts';

const numbers = `
local function to_number(a)
  local p, q, r, s = string.match(a, '^(%d+)%.(%d+)%.(%d+)%.(%d+)$')
  return ((p * 256 + q) * 256 + r) * 256 + s
end
local function to_text(n)
  return string.format('%d.%d.%d.%d', math.floor(n / 16777216) % 256, math.floor(n / 65536) % 256, math.floor(n / 256) % 256, n % 256)
end
`;

/**
 * ARGV: now, claim until, the replica's mark, how many, dry 0/1, signature, steps, ranges as `from-to,…`, then addresses that
 * must not be given out. Returns the addresses, and `again` last where the cursor used up its steps.
 * Never used ones come first, then the longest unused; where there is none, another replica's claim is broken.
 */
export const stockLua = `${leaseCommon}${numbers}
local now, til, mark, wanted, dry = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
local signature, steps = ARGV[6], tonumber(ARGV[7])
local ranges, size, barred, out = {}, 0, {}, {}
for from, to in string.gmatch(ARGV[8], '(%d+)-(%d+)') do
  ranges[#ranges + 1] = { from = tonumber(from), to = tonumber(to) }
  size = size + tonumber(to) - tonumber(from) + 1
end
for i = 9, #ARGV do barred[ARGV[i]] = true end

local function in_ranges(a)
  local n = to_number(a)
  for _, r in ipairs(ranges) do if n >= r.from and n <= r.to then return true end end
  return false
end
local function at(pos)
  for _, r in ipairs(ranges) do
    local n = r.to - r.from + 1
    if pos < n then return to_text(r.from + pos) end
    pos = pos - n
  end
end
local function claim(a, before)
  out[#out + 1] = a
  if dry then return end
  take(a, mark, til, before)
  redis.call('ZADD', K.stock, til, a)
end
local function from_cursor()
  local pos = 0
  if redis.call('HGET', K.next, 'sig') == signature then pos = tonumber(redis.call('HGET', K.next, 'pos')) end
  while pos < size and steps > 0 and #out < wanted do
    local a = at(pos)
    pos, steps = pos + 1, steps - 1
    local who, raw = holder(a)
    if not raw then
      if not barred[a] then claim(a) elseif not dry then redis.call('ZADD', K.idle, now, a) end
    elseif dry and not who and not barred[a] then claim(a) end
  end
  if not dry then redis.call('HSET', K.next, 'sig', signature, 'pos', pos) end
  return pos < size
end
local function from_idle()
  local passed = {}
  for _, a in ipairs(redis.call('ZRANGE', K.idle, 0, wanted - #out + 15 + 2 * (#ARGV - 8))) do
    if #out >= wanted then break end
    local _, raw = holder(a)
    if not raw and in_ranges(a) then
      if not barred[a] then claim(a) else passed[#passed + 1] = a end
    elseif not dry then redis.call('ZREM', K.idle, a) end
  end
  if not dry then for _, a in ipairs(passed) do redis.call('ZADD', K.idle, now, a) end end
end
local function from_others()
  for _, a in ipairs(redis.call('ZRANGE', K.stock, 0, 255)) do
    if #out >= 1 then return end
    local _, raw = holder(a)
    if raw and is_stock(raw) and raw ~= mark and in_ranges(a) and not barred[a] then claim(a, raw) end
  end
end
local more = from_cursor()
if #out < wanted and not more then from_idle() end
if #out == 0 and not more then from_others() end
if #out == 0 and more then out[1] = 'again' end
return out
`;

/** ARGV: claim until, the replica's mark, addresses. Prolongs claims; returns the addresses that are the replica's still. */
export const prolongLua = `${leaseCommon}
local til, out = tonumber(ARGV[1]), {}
for i = 3, #ARGV do
  if redis.call('HGET', K.addr, ARGV[i]) == ARGV[2] then
    redis.call('ZADD', K.due, til, ARGV[i])
    redis.call('ZADD', K.stock, til, ARGV[i])
    out[#out + 1] = ARGV[i]
  end
end
return out
`;

/** ARGV: score for \`idle\`, the replica's mark, quarantined until or '', addresses. Ends claims; with a time the addresses are quarantined until then. */
export const unclaimLua = `${leaseCommon}
for i = 4, #ARGV do
  if redis.call('HGET', K.addr, ARGV[i]) == ARGV[2] then
    if ARGV[3] == '' then give_back(ARGV[i], ARGV[1]) else take(ARGV[i], '!', tonumber(ARGV[3]), ARGV[2]) end
  end
end
return 1
`;
