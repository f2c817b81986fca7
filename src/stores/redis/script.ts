/**
 * What Redis does in one step: Lua 5.1 as Redis 5 to 8 and Valkey have it. Every key is named by the caller, those of one
 * item are in one slot. Items of a call are independent: each answers for itself, as text that begins with what became
 * of it: `+` done, `-` lost, `=` known, `!` failed.
 *
 * A script that fails in the middle is not rolled back, so whatever can fail comes before the first write of an item,
 * and that is an HSET: out of memory, Redis refuses it, and nothing has happened. What users stored is never decoded.
 * Numbers stay text: those that are added to are formatted with `%.0f`, since Lua would write 1e+15.
 */
import { createHash } from 'node:crypto'

export interface Script {
  readonly lua: string
  readonly sha: string
  /** The same by a time that the store gives, behind all other arguments, instead of the server's. */
  readonly given?: Script
}

/** What goes by the time; given to {@link script} as the beginning of a text. */
const SERVER_TIME = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`

const GIVEN_TIME = 'local now = tonumber(table.remove(ARGV))'

export function script(lua: string): Script {
  const made = plain(lua)
  return lua.startsWith(SERVER_TIME) ? { ...made, given: plain(lua.replace(SERVER_TIME, GIVEN_TIME)) } : made
}

function plain(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

/**
 * `parse` gives mailAppended, cancelling as it stands behind it, wakeAt, fence, claims, holder, tail, revision and
 * incarnation, handled, status, version, workflow.
 */
export const COMMON: string = String.raw`${SERVER_TIME}
local call = redis.call
local function text(n) return string.format('%.0f', n) end
local NOW = text(now)
local HEAD = '^(%d+)(x?%d*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(([^\n]*\n[^\n]*\n)([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n.*)$'
local function parse(h) return string.match(h, HEAD) end
local function seqOf(row) return string.match(row, '^[^\n]*') end
local function hset(key, pairs)
  for i = 1, #pairs, 1000 do call('HSET', key, unpack(pairs, i, math.min(i + 999, #pairs))) end
end
local function hmget(key, fields)
  local values = {}
  for i = 1, #fields, 1000 do
    local some = call('HMGET', key, unpack(fields, i, math.min(i + 999, #fields)))
    for j = 1, #some do values[i + j - 1] = some[j] end
  end
  return values
end
local function try(apply, k, g)
  local fine, answer = pcall(apply, k, g)
  if fine then return answer end
  if type(answer) == 'table' then answer = answer.err end
  return '!' .. tostring(answer)
end
`
