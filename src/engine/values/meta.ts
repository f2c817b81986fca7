import { PolarisError } from '../../graph/errors.ts'
import { messageOf } from '../failure.ts'
import { freezeDeep } from './freeze.ts'

/** What a call says about itself that says nothing. */
export const NO_META: Readonly<Record<string, unknown>> = Object.freeze({})

const LARGEST_META = 16_384

/** A frozen copy. Throws `OPTION_INVALID` for what is not small plain JSON. */
export function checkMeta(meta: unknown): Readonly<Record<string, unknown>> {
  const text = metaText(meta)
  if (text.length > LARGEST_META) {
    throw new PolarisError(
      'OPTION_INVALID',
      `meta may take ${LARGEST_META} characters of JSON, but takes ${text.length}.`,
    )
  }
  const copy = JSON.parse(text) as Record<string, unknown>
  freezeDeep(copy)
  return copy
}

function metaText(meta: unknown): string {
  let cause: unknown
  try {
    if (typeof meta === 'object' && meta !== null && !Array.isArray(meta) && isJson(meta)) return JSON.stringify(meta)
  } catch (error) {
    cause = error
  }
  throw new PolarisError(
    'OPTION_INVALID',
    `meta must be a plain object of plain JSON, but is ${messageOf(meta)}.`,
    cause === undefined ? undefined : { cause },
  )
}

/** Whether JSON keeps a value as it is, but for members that are `undefined`, which it leaves out. */
function isJson(value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || typeof (value as { toJSON?: unknown }).toJSON === 'function') return false
  if (Array.isArray(value)) return value.every(isJson)
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson)
}
