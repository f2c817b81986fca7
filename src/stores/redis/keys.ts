/** Where an instance's keys are: all in one of a fixed number of partitions, each of which is in one slot of a cluster (P16). */
import { describeValue, PolarisError } from '../../graph/errors.ts'
import { packLine } from './records.ts'

/** What a partition's instances share. */
export interface Partition {
  readonly index: number
  /** With braces: a cluster hashes what is between them. */
  readonly tag: string
  /** Sorted by `wakeAt`: who needs attention. */
  readonly wake: string
  /** By status and creation. */
  readonly list: string
  /** Sorted by time: mail that was handled. */
  readonly handled: string
  /** Sorted by time: when meta records expire. */
  readonly expiry: string
}

export interface Keys {
  readonly partitions: readonly Partition[]
  /** What the store knows of itself. */
  readonly meta: string
  /** Of Pub/Sub: ids whose mail changed. */
  readonly channel: string
  partition(id: string): Partition
}

const MOST_PARTITIONS = 16_384
const LONGEST_PREFIX = 128

/** @throws `OPTION_INVALID` for a prefix with braces, spaces or control characters, and for a number of partitions that is none. */
export function makeKeys(prefix: string, count: number): Keys {
  if (typeof prefix !== 'string' || !/^[\w.:/-]+$/.test(prefix) || prefix.length > LONGEST_PREFIX) {
    const message = `A prefix is 1 to ${LONGEST_PREFIX} letters, digits, or any of _ . : / -; got ${describeValue(prefix)}.`
    throw new PolarisError('OPTION_INVALID', message)
  }
  if (!Number.isSafeInteger(count) || count < 1 || count > MOST_PARTITIONS) {
    const message = `partitions is a whole number from 1 to ${MOST_PARTITIONS}; got ${describeValue(count)}.`
    throw new PolarisError('OPTION_INVALID', message)
  }
  const partitions = Array.from({ length: count }, (_, index): Partition => {
    const tag = `{${prefix}:${index}}`
    return { index, tag, wake: `${tag}:w`, list: `${tag}:l`, handled: `${tag}:h`, expiry: `${tag}:e` }
  })
  return {
    partitions,
    meta: `{${prefix}}:meta`,
    channel: `${prefix}:mail`,
    partition: (id) => partitions[hash(id) % count] as Partition,
  }
}

/** Header and newest rows. */
export function instanceKey({ tag }: Partition, id: string): string {
  return `${tag}:i:${packLine(id)}`
}

/** Rows that are no longer the newest of their place. */
export function oldRowsKey({ tag }: Partition, id: string): string {
  return `${tag}:r:${packLine(id)}`
}

export function mailKey({ tag }: Partition, id: string): string {
  return `${tag}:m:${packLine(id)}`
}

/** Meta records of a kind. */
export function metaKey({ tag }: Partition, kind: string): string {
  return `${tag}:k:${packLine(kind)}`
}

/** Their keys, in order. */
export function metaIndexKey({ tag }: Partition, kind: string): string {
  return `${tag}:x:${packLine(kind)}`
}

/** FNV-1a. It never changes: stored instances are found by it. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  // The low bits of FNV-1a alone are uneven for ids that differ in their last character only.
  return (value ^ (value >>> 15)) >>> 0
}
