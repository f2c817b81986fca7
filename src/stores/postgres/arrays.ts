/** Arrays as parameters of a statement. */

/**
 * In binary form, which needs no escapes on our side and no parser on the other. 128 values of 60 characters take 9 µs;
 * as text, by `pg` itself, 120.
 */
export function textArray(values: readonly (string | null)[]): Buffer {
  let size = HEADER
  for (const value of values) size += 4 + (value === null ? 0 : roomFor(value))
  const buffer = Buffer.allocUnsafe(size)
  let at = writeHead(buffer, values.length)
  for (const value of values) {
    const length = value === null ? -1 : buffer.write(value, at + 4)
    buffer.writeInt32BE(length, at)
    at += 4 + Math.max(length, 0)
  }
  return buffer.subarray(0, at)
}

/** Three bytes a UTF-16 unit are the most that UTF-8 takes; to count them costs more than the room does, for short texts. */
function roomFor(text: string): number {
  return text.length < 1_000 ? text.length * 3 : Buffer.byteLength(text)
}

const TEXT_OID = 25
const HEADER = 20

function writeHead(buffer: Buffer, length: number): number {
  if (length === 0) {
    buffer.writeInt32BE(0, 0)
    buffer.writeInt32BE(0, 4)
    return buffer.writeInt32BE(TEXT_OID, 8)
  }
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(1, 4)
  buffer.writeInt32BE(TEXT_OID, 8)
  buffer.writeInt32BE(length, 12)
  return buffer.writeInt32BE(1, 16)
}

/** Of integers, as text: `bigint` in binary would need two writes each. */
export function numberArray(values: readonly (number | null)[]): string {
  let text = '{'
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? null
    if (index > 0) text += ','
    text += value === null ? 'NULL' : value
  }
  return `${text}}`
}
