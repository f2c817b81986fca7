/** Scripts that write, and those that look for what is to be written: see `script.ts`. */
import { COMMON, type Script, script } from './script.ts'

/** When an instance was created, as members of the list index have it. */
const CREATION = String.raw`local DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'
local function timeOf(h)
  local left, key = tonumber(string.match(h, ',(%d+),[^,]*$')), ''
  for i = 1, 11 do
    local digit = left % 36
    key, left = string.sub(DIGITS, digit + 1, digit + 1) .. key, (left - digit) / 36
  end
  return key
end`

/**
 * KEYS per change: instance, old rows, wake set, list index, and with mail or an outcome the mail and the handled set.
 * ARGV: channel; per change: 1 number of arguments, 2 of keys, 3 creation and id, 4 fence ('' inserts), 5 revision and incarnation,
 * 6 mailAppended if compared, 7 lease, 8 mailAppended, 9 wakeAt, 10 tail, 11 mailHandled, 12 whether nobody holds it,
 * 13 lines of status, version and workflow, 14 number of places, 15 of old rows, 16 seq of mail, 17 seq handled, 18 whether it begins anew; then places with rows, seqs with
 * old rows, request and mail, outcome and time.
 */
export const WRITE: Script = script(String.raw`${COMMON}
${CREATION}
local COMPARED = '^(%d+)(x?%d*)\n([^\n]*)\n([^\n]*)\n[^\n]*\n[^\n]*\n([^\n]*\n[^\n]*\n)[^\n]*\n([^\n]*\n[^\n]*\n[^\n]*)\n'
local function memberOf(position, kind)
  local s, version, workflow = string.match(kind, '^([^\n]*)\n([^\n]*)\n(.*)$')
  return s .. position .. '\0' .. version .. '\0' .. workflow
end
local function apply(k, g)
  local key, position, kind = KEYS[k + 1], ARGV[g + 3], ARGV[g + 13]
  local a, x, w, oldKind, oldWake = ARGV[g + 8], '', ARGV[g + 9], kind, ''
  local places, olds = tonumber(ARGV[g + 14]), tonumber(ARGV[g + 15])
  local first = g + 19
  local anew, oldPosition = ARGV[g + 18] == '1', position
  local mailAt = first + 2 * places + 2 * olds
  local outcomeAt = mailAt
  local h = call('HGET', key, 'h')
  local before = {}
  if ARGV[g + 4] == '' then
    if h then return '-' .. h end
  else
    if not h then return '-' end
    local a0, x0, w0, f, vi, kind0 = string.match(h, COMPARED)
    if f ~= ARGV[g + 4] or vi ~= ARGV[g + 5] then return '-' .. h end
    if ARGV[g + 6] == '' then a = a0 elseif ARGV[g + 6] ~= a0 then return '-' .. h end
    oldWake, oldKind = w0, kind0
    if anew then oldPosition = timeOf(h) .. string.sub(position, 12) else x = x0 end
    if places > 0 then
      local fields = {}
      for i = 1, places do fields[i] = ARGV[first + 2 * i - 2] end
      before = hmget(key, fields)
    end
  end
  if ARGV[g + 16] ~= '' then
    outcomeAt = mailAt + 2
    if call('HEXISTS', KEYS[k + 5], ARGV[mailAt]) == 1 then return '-' .. (h or '') end
  end
  if ARGV[g + 7] ~= '' then w = text(now + tonumber(ARGV[g + 7]))
  elseif ARGV[g + 12] == '0' then
    if h and not anew then w = oldWake end
  elseif tonumber(a) > tonumber(ARGV[g + 11]) then w = NOW end
  local newest, older = { 'h', a .. x .. '\n' .. w .. '\n' .. ARGV[g + 10] }, {}
  for i = 1, places do
    local field, row, was = ARGV[first + 2 * i - 2], ARGV[first + 2 * i - 1], before[i]
    if was and tonumber(seqOf(was)) > tonumber(seqOf(row)) then was, row = row, nil end
    if was then
      older[#older + 1] = seqOf(was)
      older[#older + 1] = field .. '\n' .. was
    end
    if row then
      newest[#newest + 1] = field
      newest[#newest + 1] = row
    end
  end
  for i = first + 2 * places, mailAt - 1 do older[#older + 1] = ARGV[i] end
  hset(key, newest)
  hset(KEYS[k + 2], older)
  if not h or anew or kind ~= oldKind or w ~= oldWake then
    local member = memberOf(position, kind)
    local was = kind == oldKind and not anew and member or memberOf(oldPosition, oldKind)
    if not h then call('ZADD', KEYS[k + 4], 0, member)
    elseif member ~= was then
      call('ZREM', KEYS[k + 4], was)
      call('ZADD', KEYS[k + 4], 0, member)
    end
    local wake, wasWake = string.sub(member, 13), string.sub(was, 13)
    if oldWake ~= '' and (w == '' or wake ~= wasWake) then call('ZREM', KEYS[k + 3], wasWake) end
    if w ~= '' and (w ~= oldWake or wake ~= wasWake) then call('ZADD', KEYS[k + 3], w, wake) end
  end
  if ARGV[g + 16] ~= '' then
    call('HSET', KEYS[k + 5], ARGV[g + 16], ARGV[mailAt + 1], ARGV[mailAt], ARGV[g + 16])
  end
  local seq = ARGV[g + 17]
  local mail = seq ~= '' and call('HGET', KEYS[k + 5], seq)
  if mail then
    local head = string.match(mail, '^[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\n')
    call('HSET', KEYS[k + 5], seq, head .. ARGV[outcomeAt])
    local id = string.sub(position, 12)
    call('ZADD', KEYS[k + 6], ARGV[outcomeAt + 1], seq .. '\0' .. id)
    call('PUBLISH', ARGV[1], id)
  elseif ARGV[g + 12] == '1' and w ~= '' and tonumber(w) <= now then
    call('PUBLISH', ARGV[1], string.sub(position, 12))
  end
  return '+' .. a .. x
end
local answers, k, g = {}, 0, 1
while g < #ARGV do
  local arguments, keys = tonumber(ARGV[g + 1]), tonumber(ARGV[g + 2])
  answers[#answers + 1] = try(apply, k, g)
  k, g = k + keys, g + arguments
end
return answers`)

/**
 * KEYS per append: instance, mail, wake set, list index. ARGV: channel; per append: id, expectation, workflow, tail of the
 * header to create, its list member, request, mail without its seq, '1' if it cancels.
 */
export const APPEND: Script = script(String.raw`${COMMON}
local function apply(k, g)
  local key, box, id, expect, cancels = KEYS[k + 1], KEYS[k + 2], ARGV[g + 1], ARGV[g + 2], ARGV[g + 8] == '1'
  local known = call('HGET', box, ARGV[g + 6])
  if known then return '=' .. call('HGET', box, known) end
  local h = call('HGET', key, 'h')
  local seq = '1'
  if not h then
    if expect == 'existing' or cancels then return '-' end
    h = seq .. '\n' .. NOW .. '\n' .. ARGV[g + 4]
    call('HSET', key, 'h', h)
    call('ZADD', KEYS[k + 4], 0, ARGV[g + 5])
    call('ZADD', KEYS[k + 3], NOW, string.sub(ARGV[g + 5], 13))
  else
    local a, x, w, f, c, o, tail, vi, d, s, version, workflow = parse(h)
    if expect == 'new' or workflow ~= ARGV[g + 3] or x ~= '' or s == 'x' or s == 'd' then return '-' .. h end
    seq = text(tonumber(a) + 1)
    local wake = w
    if o == '' and (w == '' or tonumber(w) > now) then wake = NOW end
    h = seq .. (cancels and 'x' .. seq or '') .. '\n' .. wake .. '\n' .. f .. '\n' .. c .. '\n' .. o .. '\n' .. tail
    call('HSET', key, 'h', h)
    if wake ~= w then call('ZADD', KEYS[k + 3], wake, id .. '\0' .. version .. '\0' .. workflow) end
  end
  call('HSET', box, seq, seq .. '\n' .. ARGV[g + 7], ARGV[g + 6], seq)
  call('PUBLISH', ARGV[1], id)
  return '+' .. seq .. '\n' .. h
end
local answers = {}
for n = 0, #KEYS / 4 - 1 do answers[n + 1] = try(apply, n * 4, 1 + n * 8) end
return answers`)

/**
 * KEYS per removal: instance, old rows, wake set, list index, mail, handled set. ARGV: channel; per removal: id, fence, revision
 * and incarnation, mailAppended if compared, tombstone or '', its wakeAt, its list member. The first HSET is the one that may
 * be refused; it is done again since the key is gone in between.
 */
export const REMOVE: Script = script(String.raw`${COMMON}
${CREATION}
local function forget(box, handled, id)
  local gone = {}
  for _, field in ipairs(call('HKEYS', box)) do
    if tonumber(field) then gone[#gone + 1] = field .. '\0' .. id end
  end
  for i = 1, #gone, 1000 do call('ZREM', handled, unpack(gone, i, math.min(i + 999, #gone))) end
end
local function apply(k, g)
  local key, id, new = KEYS[k + 1], ARGV[g + 1], ARGV[g + 5]
  local h = call('HGET', key, 'h')
  if not h then return '-' end
  local a, x, w, f, c, o, tail, vi, d, s, version, workflow = parse(h)
  if f ~= ARGV[g + 2] or vi ~= ARGV[g + 3] then return '-' .. h end
  if ARGV[g + 4] ~= '' and ARGV[g + 4] ~= a then return '-' .. h end
  if new ~= '' then call('HSET', key, 'h', new) end
  forget(KEYS[k + 5], KEYS[k + 6], id)
  call('UNLINK', key, KEYS[k + 2], KEYS[k + 5])
  local wake = id .. '\0' .. version .. '\0' .. workflow
  call('ZREM', KEYS[k + 3], wake)
  call('ZREM', KEYS[k + 4], s .. timeOf(h) .. wake)
  if new ~= '' then
    call('HSET', key, 'h', new)
    call('ZADD', KEYS[k + 4], 0, ARGV[g + 7])
    if ARGV[g + 6] ~= '' then call('ZADD', KEYS[k + 3], ARGV[g + 6], string.sub(ARGV[g + 7], 13)) end
  end
  if tonumber(a) > tonumber(d) then call('PUBLISH', ARGV[1], id) end
  return '+'
end
local answers = {}
for n = 0, #KEYS / 6 - 1 do answers[n + 1] = try(apply, n * 6, 1 + n * 7) end
return answers`)

/** KEYS: wake sets. ARGV: how many to look at in each, kinds that are served. Answers scores and members, an empty one behind a set that may hold more. */
export const DUE: Script = script(String.raw`${COMMON}
local serves, width = {}, tonumber(ARGV[1])
for i = 2, #ARGV do serves[ARGV[i]] = true end
local found = {}
for i = 1, #KEYS do
  local some = call('ZRANGEBYSCORE', KEYS[i], '-inf', NOW, 'WITHSCORES', 'LIMIT', 0, width)
  for j = 1, #some, 2 do
    local kind = string.sub(some[j], (string.find(some[j], '\0', 1, true)))
    if serves[kind] then
      found[#found + 1] = some[j + 1]
      found[#found + 1] = some[j]
    end
  end
  if #some == 2 * width then found[#found + 1], found[#found + 2] = some[#some], '' end
end
return found`)

/** KEYS per instance: instance, wake set. ARGV: lease, holder, number of kinds served, those, ids. */
export const CLAIM: Script = script(String.raw`${COMMON}
local serves, kinds = {}, tonumber(ARGV[3])
for i = 4, 3 + kinds do serves[ARGV[i]] = true end
local ends = text(now + tonumber(ARGV[1]))
local function apply(k, g)
  local h = call('HGET', KEYS[k + 1], 'h')
  if not h then return '-' end
  local a, x, w, f, c, o, tail, vi, d, s, version, workflow = parse(h)
  local kind = '\0' .. version .. '\0' .. workflow
  if w == '' or tonumber(w) > now or not serves[kind] then return '-' end
  f, c = text(tonumber(f) + 1), text(tonumber(c) + 1)
  h = a .. x .. '\n' .. ends .. '\n' .. f .. '\n' .. c .. '\n' .. ARGV[2] .. '\n' .. tail
  call('HSET', KEYS[k + 1], 'h', h)
  call('ZADD', KEYS[k + 2], ends, ARGV[g] .. kind)
  return '+' .. w .. '\n' .. h
end
local answers = {}
for n = 0, #KEYS / 2 - 1 do answers[n + 1] = try(apply, n * 2, 4 + kinds + n) end
return answers`)

/** KEYS per mail: mail, handled set. ARGV: time; per mail: seq, id. Deletes what was handled before the time. */
export const PRUNE: Script = script(String.raw`
local before, deleted = tonumber(ARGV[1]), 0
for n = 0, #KEYS / 2 - 1 do
  local box, handled, seq = KEYS[2 * n + 1], KEYS[2 * n + 2], ARGV[2 * n + 2]
  local member = seq .. '\0' .. ARGV[2 * n + 3]
  local at = redis.call('ZSCORE', handled, member)
  if at and tonumber(at) < before then
    local mail = redis.call('HGET', box, seq)
    redis.call('ZREM', handled, member)
    if mail then
      redis.call('HDEL', box, seq, string.match(mail, '^[^\n]*\n([^\n]*)\n'))
      deleted = deleted + 1
    end
  end
end
return deleted`)

/** KEYS: handled sets. ARGV: time, how many of each. Answers per set its members. */
export const HANDLED: Script = script(String.raw`
local found = {}
for i = 1, #KEYS do
  found[i] = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
end
return found`)
