/** The scripts that take an address from a machine: release, decline, expiry. The state is that of lease-lua.ts. */
import { leaseCommon } from './lease-lua.ts';

/** ARGV: mac, now, address, head, tail. Returns the sequence; 0 where the MAC does not hold the address. RFC 2131 §4.3.4. */
export const releaseLua = `${leaseCommon}
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
export const declineLua = `${leaseCommon}
local mac, address, til = ARGV[1], ARGV[3], tonumber(ARGV[4])
local rec = read(mac)
if not rec or rec.address ~= address or rec.state == 'x' or holder(address) ~= mac then return 0 end
redis.call('HDEL', K.mac, mac)
take(address, '!', til, mac)
return tell(mac, ARGV[5], ARGV[6])
`;

/** ARGV: now, limit. Returns what is due as flat triples: address, who had it ('!' and '~…' too), 1 where a lease ended and is to be told. */
export const dueLua = `${leaseCommon}
local now, out = tonumber(ARGV[1]), {}
for _, a in ipairs(redis.call('ZRANGEBYSCORE', K.due, '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))) do
  local who = redis.call('HGET', K.addr, a)
  local somebody = who and not stands_in(who)
  out[#out + 1] = a
  out[#out + 1] = who or ''
  out[#out + 1] = (somebody and ends_lease(read(who), a)) and 1 or 0
end
return out
`;

/** ARGV: now, address, who as \`dueLua\` gave it, head, tail. Returns 1 where the address became free, 0 where it was renewed meanwhile. */
export const expireLua = `${leaseCommon}
local now, address, who = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local score = redis.call('ZSCORE', K.due, address)
if not score or tonumber(score) > now or (redis.call('HGET', K.addr, address) or '') ~= who then return 0 end
local nobody = who == '' or stands_in(who)
local rec = not nobody and read(who) or nil
local ends = not nobody and ends_lease(rec, address)
-- It became one between the two scripts: the next look brings its row.
if ends and ARGV[4] == '' then return 0 end
give_back(address, now)
if ends then tell(who, ARGV[4], ARGV[5]) end
if not rec or rec.address ~= address then return 1 end
if rec.state == 'l' or rec.known then write(who, address, 'x', rec.til, rec.hold, true)
else redis.call('HDEL', K.mac, who) end
return 1
`;
