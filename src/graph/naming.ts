import { describeValue, GraphError, PolarisError } from './errors.ts'

// Control characters and lone surrogates do not survive every terminal, URL, log and database; all else is only text.
// eslint-disable-next-line no-control-regex -- refusing them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const LONE_SURROGATE = /\p{Surrogate}/u

/** What is wrong with a text that shall name something, or `undefined` if nothing is. */
export function textProblem(text: unknown, longest: number): string | undefined {
  if (typeof text !== 'string') return `must be a string, but is ${describeValue(text)}`
  if (text.length === 0) return 'must not be empty'
  if (text.length > longest) return `must have at most ${longest} characters, but has ${text.length}`
  // Nothing but letters and digits of ASCII and the like is the common case, and needs no look at Unicode.
  if (/^[\w.:@/-]+$/.test(text)) return undefined
  if (text.trim() === '') return 'must not be blank'
  if (CONTROL.test(text)) return `must not have control characters: ${JSON.stringify(text)}`
  if (LONE_SURROGATE.test(text)) return `must not have lone surrogates: ${JSON.stringify(text)}`
  return undefined
}

const LONGEST_NAME = 200

/** What is wrong with the name of a data, a builder, a service or a workflow, or `undefined` if nothing is. */
export function nameProblem(name: unknown): string | undefined {
  const problem = textProblem(name, LONGEST_NAME)
  return problem && `its name ${problem}`
}

/** Throws `GRAPH_INVALID` unless `name` can name a data or a service. */
export function checkName(kind: string, name: unknown): void {
  const problem = nameProblem(name)
  if (problem !== undefined) throw new GraphError(`A ${kind}`, [problem])
}

/** Whether its own keys are all there is to a value. One written with a `__proto__` key hides things in a prototype. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** What is wrong with a `version` option, if anything. */
export function versionProblem(version: unknown): string | undefined {
  if (version === undefined || (Number.isSafeInteger(version) && (version as number) >= 1)) return undefined
  return `'version' must be a whole number from 1, but is ${describeValue(version)}`
}

const LONGEST_LIST = 20

/** Names for a message: with thousands of them, the first few. */
export function listNames(names: readonly string[]): string {
  const more = names.length - LONGEST_LIST
  const shown = more > 1 ? names.slice(0, LONGEST_LIST) : names
  const list = shown.map((name) => `'${name}'`).join(', ')
  return more > 1 ? `${list} and ${more} more` : list
}

/** A sentence for each key of a definition that nobody reads: most are slips of the pen, and must not pass in silence. */
export function unknownKeys(what: string, given: object, known: readonly string[]): string[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = nearest(key, known)
      return `${what} has no option '${key}'${near === undefined ? `; it has ${known.join(', ')}` : `: did you mean '${near}'?`}`
    })
}

/** The one that was probably meant: an abbreviation, or at most two letters too many, too few, wrong or swapped. */
function nearest(given: string, known: readonly string[]): string | undefined {
  const text = given.toLowerCase()
  const close = known
    .map((name) => ({ name, slips: text.length > 3 && name.startsWith(text) ? 0 : slips(text, name.toLowerCase()) }))
    .filter(({ slips }) => slips <= Math.min(2, text.length / 3))
  return close.sort((a, b) => a.slips - b.slips)[0]?.name
}

/** Optimal string alignment distance: how many letters were added, left out, mistaken or swapped with the next. */
function slips(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity
  for (let i = 1; i <= a.length; i++) {
    rows.push([i])
    for (let j = 1; j <= b.length; j++) {
      const wrong = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + wrong, swapped))
    }
  }
  return at(a.length, b.length)
}

/** @throws `OPTION_INVALID` unless the option passes */
export function checkOption(option: string, passes: boolean, wanted: string, given: unknown): void {
  if (passes) return
  throw new PolarisError('OPTION_INVALID', `${option} must be ${wanted}, but is ${describeValue(given)}.`)
}

/** Throws `OPTION_INVALID` for an option nobody reads: a misspelt option must not pass in silence. */
export function checkOptions(what: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) {
    throw new PolarisError('OPTION_INVALID', `${what} takes an object of options, but got ${describeValue(given)}.`)
  }
  const problems = unknownKeys(what, given, known)
  if (problems.length > 0) throw new PolarisError('OPTION_INVALID', problems.join('; ').replace(/[^?]$/, '$&.'))
}
