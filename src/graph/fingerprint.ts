import type { Description } from './description.ts'

/**
 * A graph's identity: names, inputs by kind, products, targets in order, transients, `once`, `cutoff`, `loops`, and the versions of
 * builders and data; what data are about; timers, and the time an instance has, since a shorter one would end what runs; `resolve` through what
 * it leaves out. Not the workflow's version, which is what the fingerprint is compared under. Source text, declaration
 * order (but with loops, where it decides which edges are cut) and key names do not count, so that a rebuild, a minifier or
 * a tidied file changes nothing.
 */
export function fingerprint({ workflow, loops, targets, transients, timeout, builders, data }: Description): string {
  return hash(
    JSON.stringify([
      workflow,
      loops,
      targets,
      transients,
      builders.map(({ name, consumes, optionals, accesses, produces, once, version, timer, cutoff, settles }) => [
        ...[name, consumes, optionals, accesses, produces, once, version],
        ...(timer === undefined ? [] : [timer]),
        ...(cutoff === undefined ? [] : ['cutoff']),
        ...(settles === undefined ? [] : [['settles', settles]]),
      ]),
      data.filter(({ version }) => version > 1).map(({ name, version }) => [name, version]),
      ...(timeout === undefined ? [] : [timeout]),
      ...data.flatMap(({ name, about }) => (about === undefined ? [] : [['about', name, about]])),
    ]),
  )
}

/**
 * 128 bits of a text in hex: cyrb128 by bryc (public domain), after MurmurHash3. Not for secrets. Written out since the
 * graph layer runs where there is no `node:crypto`, and Web Crypto's digest cannot be had synchronously.
 */
export function hash(text: string): string {
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ code, 597399067)
    b = c ^ Math.imul(b ^ code, 2869860233)
    c = d ^ Math.imul(c ^ code, 951274213)
    d = a ^ Math.imul(d ^ code, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  a ^= b ^ c ^ d
  return [a, b ^ a, c ^ a, d ^ a].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}
