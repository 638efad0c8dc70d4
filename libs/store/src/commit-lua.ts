/**
 * The one script that changes a record. Arguments come as a flat list, each group behind its length, and are never
 * decoded and encoded again: cjson would turn empty lists into objects and round large numbers.
 *
 * A record is a hash: `v` version, `json` value, `i:<index>` the id under that index, `d:<deadline>` its time in ms.
 */
import { outboxLua } from './outbox.ts';

/** Request ids remembered for one record, and how long they outlive it. */
export const rememberedRequests = 64;
const rememberDeletedMs = 7 * 86_400_000;

export const commitLua = `${outboxLua}
local record, keys, deadlines, outbox, requests = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function take_list(width)
  local list = {}
  for i = 1, tonumber(take()) do
    list[i] = {}
    for j = 1, width do list[i][j] = take() end
  end
  return list
end

local prefix, key, expected, version, request = take(), take(), take(), take(), take()
local deletes, value, rows = take() == '1', take(), take()
local set_indexes, remove_indexes = take_list(2), take_list(1)
local set_deadlines, clear_deadlines = take_list(2), take_list(1)

local function index_of(name)
  local kind, rest = string.match(name, '^([^:]+):(.+)$')
  return prefix .. ':index:' .. kind, rest
end
local function remove_index(name)
  local id = redis.call('HGET', record, 'i:' .. name)
  local hash, field = index_of(name)
  if id and redis.call('HGET', hash, field) == id then redis.call('HDEL', hash, field) end
  redis.call('HDEL', record, 'i:' .. name)
end
local function clear_deadline(name)
  redis.call('ZREM', deadlines, key .. '|' .. name)
  redis.call('HDEL', record, 'd:' .. name)
end

if request ~= '' then
  local done = redis.call('ZSCORE', requests, request)
  if done then return { 'already', tonumber(done) } end
end
local current = tonumber(redis.call('HGET', record, 'v') or '0')
if current ~= tonumber(expected) then return { 'conflict', current } end
for _, index in ipairs(set_indexes) do
  local hash, field = index_of(index[1])
  local holder = redis.call('HGET', hash, field)
  if holder and holder ~= index[2] then return { 'taken', index[1], holder } end
end

if deletes then
  for _, field in ipairs(redis.call('HKEYS', record)) do
    if string.sub(field, 1, 2) == 'i:' then remove_index(string.sub(field, 3)) end
    if string.sub(field, 1, 2) == 'd:' then clear_deadline(string.sub(field, 3)) end
  end
  redis.call('DEL', record)
  redis.call('ZREM', keys, key)
else
  redis.call('HSET', record, 'v', version, 'json', value)
  redis.call('ZADD', keys, 0, key)
  for _, index in ipairs(remove_indexes) do remove_index(index[1]) end
  for _, index in ipairs(set_indexes) do
    local hash, field = index_of(index[1])
    redis.call('HSET', hash, field, index[2])
    redis.call('HSET', record, 'i:' .. index[1], index[2])
  end
  for _, name in ipairs(clear_deadlines) do clear_deadline(name[1]) end
  for _, deadline in ipairs(set_deadlines) do
    redis.call('ZADD', deadlines, deadline[2], key .. '|' .. deadline[1])
    redis.call('HSET', record, 'd:' .. deadline[1], deadline[2])
  end
end

if request ~= '' then
  redis.call('ZADD', requests, version, request)
  redis.call('ZREMRANGEBYRANK', requests, 0, -${rememberedRequests + 1})
end
if deletes then redis.call('PEXPIRE', requests, ${rememberDeletedMs}) else redis.call('PERSIST', requests) end
add_rows(outbox, key, rows)
return { 'ok', tonumber(version) }
`;
