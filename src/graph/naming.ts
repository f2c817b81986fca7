import { describeValue, PolarisError } from './errors.ts'

// Control characters and lone surrogates do not survive every terminal, URL, log and database; all else is only text.
// eslint-disable-next-line no-control-regex -- refusing them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/
const LONE_SURROGATE = /\p{Surrogate}/u

/** What is wrong with a text that shall name something, or `undefined` if nothing is. */
export function textProblem(text: unknown, longest: number): string | undefined {
  if (typeof text !== 'string') return `must be a string, but is ${describeValue(text)}`
  if (text.length === 0) return 'must not be empty'
  if (text.length > longest) return `must have at most ${longest} characters, but has ${text.length}`
  // A letter or digit of ASCII in front and nothing but its like behind is the common case, and needs no Unicode.
  if (/^[\w.:@/-]+$/.test(text)) return undefined
  if (text.trim() === '') return 'must not be blank'
  if (CONTROL.test(text)) return `must not have control characters: ${JSON.stringify(text)}`
  if (LONE_SURROGATE.test(text)) return `must not have lone surrogates: ${JSON.stringify(text)}`
  return undefined
}

const LONGEST_NAME = 200

/** Throws `GRAPH_INVALID` unless `name` can name a data, a builder, a service or a workflow. */
export function checkName(kind: string, name: unknown): void {
  const problem = textProblem(name, LONGEST_NAME)
  if (problem !== undefined) throw new PolarisError('GRAPH_INVALID', `The name of a ${kind} ${problem}.`)
}

/** A sentence for each key of a definition that nobody reads: most are slips of the pen, and must not pass in silence. */
export function unknownKeys(what: string, given: object, known: readonly string[]): string[] {
  return Object.keys(given)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const near = known.find((k) => looksLike(k, key))
      return `${what} has no option '${key}'${near === undefined ? `; it has ${known.join(', ')}` : `: did you mean '${near}'?`}`
    })
}

function looksLike(a: string, b: string): boolean {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()]
  return x === y || x.startsWith(y.slice(0, Math.max(4, y.length - 2))) || y.startsWith(x)
}

/** Throws `OPTION_INVALID` for an option nobody reads: a misspelt option must not pass in silence. */
export function checkOptions(what: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null) {
    throw new PolarisError('OPTION_INVALID', `${what} takes an object of options, but got ${describeValue(given)}.`)
  }
  const problems = unknownKeys(what, given, known)
  if (problems.length > 0) throw new PolarisError('OPTION_INVALID', `${problems.join('; ')}.`)
}
