/** Scripts of meta records. One is kept as lines: revision, expiry or '', value. */
import { COMMON, type Script, script } from './script.ts'

const META = String.raw`${COMMON}
local function standing(box, key)
  local record = call('HGET', box, key)
  if not record then return nil end
  local revision, expires = string.match(record, '^([^\n]*)\n([^\n]*)\n')
  if expires ~= '' and tonumber(expires) <= now then return nil, record end
  return record, record, revision
end
`

/** KEYS: records of the kind. ARGV: key. The record, or ''. */
export const META_GET: Script = script(String.raw`${META}
return standing(KEYS[1], ARGV[1]) or ''`)

/**
 * KEYS: records of the kind, their index, the partition's expiries. ARGV: key, expected revision or '', record, its expiry or
 * '', kind and key.
 */
export const META_SET: Script = script(String.raw`${META}
local key, expires, member = ARGV[1], ARGV[4], ARGV[5]
local stands, was, revision = standing(KEYS[1], key)
if (revision or '') ~= ARGV[2] then return '-' .. (stands or '') end
call('HSET', KEYS[1], key, ARGV[3])
call('ZADD', KEYS[2], 0, key)
if expires ~= '' then call('ZADD', KEYS[3], expires, member)
elseif was then call('ZREM', KEYS[3], member) end
return '+'`)

/** KEYS per partition: records of the kind, their index. ARGV: lowest key, how many. Answers per partition keys and records. */
export const META_LIST: Script = script(String.raw`${META}
local limit = tonumber(ARGV[2])
local function page(box, index)
  local found, low = {}, ARGV[1]
  while true do
    local keys = call('ZRANGEBYLEX', index, low, '+', 'LIMIT', 0, limit)
    for i = 1, #keys do
      local record = standing(box, keys[i])
      if record then
        found[#found + 1] = keys[i]
        found[#found + 1] = record
        if #found == 2 * limit then return found end
      end
    end
    if #keys < limit then return found end
    low = '(' .. keys[#keys]
  end
end
local answers = {}
for n = 0, #KEYS / 2 - 1 do answers[n + 1] = page(KEYS[2 * n + 1], KEYS[2 * n + 2]) end
return answers`)

/** KEYS: expiries. ARGV: how many of each. Answers per partition its members. */
export const META_EXPIRED: Script = script(String.raw`${META}
local found = {}
for i = 1, #KEYS do found[i] = call('ZRANGEBYSCORE', KEYS[i], '-inf', NOW, 'LIMIT', 0, ARGV[1]) end
return found`)

/** KEYS per record: records of its kind, their index, expiries. ARGV per record: key, kind and key. Deletes those that have expired. */
export const META_PRUNE: Script = script(String.raw`${META}
local deleted = 0
for n = 0, #KEYS / 3 - 1 do
  local box, index, expiries = KEYS[3 * n + 1], KEYS[3 * n + 2], KEYS[3 * n + 3]
  local key = ARGV[2 * n + 1]
  local stands, was = standing(box, key)
  if not stands then
    call('ZREM', expiries, ARGV[2 * n + 2])
    call('HDEL', box, key)
    call('ZREM', index, key)
    if was then deleted = deleted + 1 end
  end
end
return deleted`)
