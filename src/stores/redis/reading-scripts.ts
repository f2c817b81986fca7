/** Scripts that only read. */
import { COMMON, type Script, script } from './script.ts'

/** The server's clock, in milliseconds. KEYS: any, for the server of a cluster that shall answer. */
export const NOW: Script = script(`${COMMON}
return NOW`)

/**
 * KEYS: list indexes. ARGV: how many of each status and index, how many to look at for that, version and workflow or '',
 * the command that reads them, which tells the order, first and last member of each range. Answers per index and range where it
 * stopped ('' at the end), members.
 */
export const SCAN: Script = script(String.raw`
local wanted, budget, version, workflow = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local function fits(member)
  local id = string.find(member, '\0', 1, true)
  local kind = string.find(member, '\0', id + 1, true)
  return (version == '' or string.sub(member, id + 1, kind - 1) == version)
    and (workflow == '' or string.sub(member, kind + 1) == workflow)
end
local function scan(key, first, last)
  local found, looked = { '' }, 0
  local all = version == '' and workflow == ''
  local width = wanted
  while true do
    local some = redis.call(ARGV[5], key, first, last, 'LIMIT', 0, width)
    for i = 1, #some do
      if all or fits(some[i]) then
        found[#found + 1] = some[i]
        if #found > wanted then
          found[1] = some[i]
          return found
        end
      end
    end
    if #some < width then return found end
    looked, first = looked + width, '(' .. some[width]
    if looked >= budget then
      found[1] = some[width]
      return found
    end
    width = math.min(100, width * 4)
  end
end
local answers = {}
for i = 1, #KEYS do
  for r = 6, #ARGV, 2 do answers[#answers + 1] = scan(KEYS[i], ARGV[r], ARGV[r + 1]) end
end
return answers`)

/** KEYS: instances. Answers their headers, '' where there is none. */
export const HEADERS: Script = script(String.raw`
local found = {}
for i = 1, #KEYS do found[i] = redis.call('HGET', KEYS[i], 'h') or '' end
return found`)

/** KEYS: instance. Its fields and values. */
export const READ: Script = script(`return redis.call('HGETALL', KEYS[1])`)

/** Of numbers in a hash those behind \`after\`, in order: counted through where they lie close, else sorted. */
const BEHIND = String.raw`
local function behind(key, after, last, count, limit, have)
  local found = {}
  if last - after <= 2 * count + 1000 then
    for from = after + 1, last, 500 do
      local fields = {}
      for seq = from, math.min(from + 499, last) do fields[#fields + 1] = string.format('%.0f', seq) end
      local some = redis.call('HMGET', key, unpack(fields))
      for i = 1, #some do
        local one = have[fields[i]] or some[i]
        if one then found[#found + 1] = one end
        if #found == limit then return found end
      end
    end
    return found
  end
  local seqs = {}
  local function add(field)
    local seq = tonumber(field)
    if seq and seq > after then seqs[#seqs + 1] = seq end
  end
  for _, field in ipairs(redis.call('HKEYS', key)) do add(field) end
  for field in pairs(have) do add(field) end
  table.sort(seqs)
  for i = 1, math.min(limit, #seqs) do
    local field = string.format('%.0f', seqs[i])
    found[i] = have[field] or redis.call('HGET', key, field)
  end
  return found
end
`

/** KEYS: instance, old rows. ARGV: after, limit. Rows with the field of their place in front. */
export const HISTORY: Script = script(String.raw`${BEHIND}
local have, last, count, after = {}, 0, redis.call('HLEN', KEYS[2]), tonumber(ARGV[1])
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if fields[i] ~= 'h' then
    local text = string.match(fields[i + 1], '^[^\n]*')
    last, count = math.max(last, tonumber(text)), count + 1
    have[text] = fields[i] .. '\n' .. fields[i + 1]
  end
end
return behind(KEYS[2], after, last, count, tonumber(ARGV[2]), have)`)

/** KEYS: instance, mail. ARGV: after, limit. */
export const MAIL: Script = script(String.raw`${BEHIND}
local h = redis.call('HGET', KEYS[1], 'h')
if not h then return {} end
local count, last = redis.call('HLEN', KEYS[2]), tonumber(string.match(h, '^%d*'))
return behind(KEYS[2], tonumber(ARGV[1]), last, count, tonumber(ARGV[2]), {})`)

/** KEYS: mail. ARGV: request. The mail, or ''. */
export const REQUEST: Script = script(String.raw`
local seq = redis.call('HGET', KEYS[1], ARGV[1])
return seq and redis.call('HGET', KEYS[1], seq) or ''`)
