/** Reads bodies nobody vouches for: no more of them than allowed, for no longer than allowed. */
import type { Clock } from '../index.ts'
import { sourceOf } from './direct.ts'
import type { BodySource } from './direct.ts'
import { Problem } from './problems.ts'
import { timer } from './time.ts'

export interface BodyLimits {
  /** Bytes. */
  readonly maxBody: number
  /** Containers within containers. */
  readonly maxDepth: number
  /** Milliseconds for all of it. */
  readonly bodyTimeout: number
  readonly clock: Clock
}

/**
 * The members of a JSON object.
 *
 * @param optional whether no body at all will do, as an object without members
 * @throws Problem `TYPE_UNSUPPORTED`, `BODY_TOO_LARGE`, `BODY_TIMEOUT`, `BODY_INVALID`
 */
export async function readObject(
  request: Request,
  limits: BodyLimits,
  optional: boolean,
): Promise<ReadonlyMap<string, unknown>> {
  const source = sourceOf(request)
  const none = (source === undefined && request.body === null) || request.headers.get('content-length') === '0'
  if (none && optional) return new Map()
  checkType(request.headers)
  const bytes = none ? new Uint8Array() : await readBytes(request, source, limits)
  if (bytes.length === 0 && optional) return new Map()
  const value = parse(bytes, limits.maxDepth)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new Map(Object.entries(value))
  throw new Problem('BODY_INVALID', 'The body must be a JSON object, such as {"Name":{}}.')
}

function checkType(headers: Headers): void {
  const type = headers.get('content-type') ?? ''
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?;?\s*$/i.test(type)) {
    const given = type === '' ? 'none' : JSON.stringify(type.slice(0, 100))
    throw new Problem('TYPE_UNSUPPORTED', `The content-type must be application/json, in UTF-8, but is ${given}.`)
  }
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem('TYPE_UNSUPPORTED', 'Compressed bodies are not taken: leave content-encoding out.')
  }
}

async function readBytes(
  { body, headers }: Request,
  source: BodySource | undefined,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const { maxBody, bodyTimeout, clock } = limits
  const announced = headers.get('content-length')
  if (announced !== null && !(Number(announced) <= maxBody)) throw tooLarge(maxBody)
  if (source !== undefined) return readSource(source, limits)
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  let late = false
  // What the reader waits for is over then, and says that it is done.
  const stop = timer(clock, bodyTimeout, () => {
    late = true
    void reader.cancel().catch(() => undefined)
  })
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.length
      if (size > maxBody) {
        void reader.cancel().catch(() => undefined)
        throw tooLarge(maxBody)
      }
      chunks.push(next.value)
    }
  } catch (error) {
    if (error instanceof Problem) throw error
    throw brokenOff()
  } finally {
    stop()
  }
  if (late) throw tooLate(bodyTimeout)
  return joined(chunks, size)
}

function readSource(source: BodySource, { maxBody, bodyTimeout, clock }: BodyLimits): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    const end = (settle: () => void): void => {
      stop()
      leave()
      settle()
    }
    const leave = source.take({
      chunk(bytes) {
        size += bytes.length
        if (size > maxBody) end(() => reject(tooLarge(maxBody)))
        else chunks.push(bytes)
      },
      end: () => end(() => resolve(joined(chunks, size))),
      broken: () => end(() => reject(brokenOff())),
    })
    const stop = timer(clock, bodyTimeout, () => end(() => reject(tooLate(bodyTimeout))))
  })
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

function brokenOff(): Problem {
  return new Problem('BODY_INVALID', 'The body broke off.')
}

function tooLate(bodyTimeout: number): Problem {
  return new Problem('BODY_TIMEOUT', `The body was not there after ${bodyTimeout} ms.`)
}

function tooLarge(maxBody: number): Problem {
  return new Problem('BODY_TOO_LARGE', `A body may have ${maxBody} bytes.`)
}

function parse(bytes: Uint8Array, maxDepth: number): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Problem('BODY_INVALID', 'The body is not UTF-8.')
  }
  if (text.trim() === '') throw new Problem('BODY_INVALID', 'The body is empty: send a JSON object.')
  if (depthOf(text, maxDepth) > maxDepth) {
    throw new Problem('BODY_INVALID', `The body nests deeper than ${maxDepth}.`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    // The parser's own words quote the body, and with it what may be sensitive.
    const place = /at position (\d+)/.exec((error as Error).message)?.[1]
    throw new Problem('BODY_INVALID', `The body is not JSON${place === undefined ? '' : ` at character ${place}`}.`)
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/** How deep a JSON text nests, before any of it is built; of what is no JSON, anything. */
function depthOf(text: string, enough: number): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (quoted) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) quoted = false
    } else if (code === QUOTE) quoted = true
    else if (OPENING.has(code)) {
      deepest = Math.max(deepest, ++depth)
      if (deepest > enough) return deepest
    } else if (CLOSING.has(code)) depth--
  }
  return deepest
}
