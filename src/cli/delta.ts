/** Data as people type them. Pure. */
import { jsonFault } from './json-fault.ts'
import { Trouble } from './trouble.ts'

/**
 * Arguments are `Name=<JSON>` or JSON objects of data by their names; they are put together.
 *
 * @throws {@link Trouble}
 */
export function readDelta(words: readonly string[], file: string | undefined): Record<string, unknown> {
  const delta = Object.create(null) as Record<string, unknown>
  const add = (name: string, value: unknown): void => {
    if (name in delta) throw new Trouble(`${name} is given twice.`)
    delta[name] = value
  }
  const addAll = (text: string, what: string): void => {
    const value = parse(text, what)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Trouble(`${what} must be an object of data by their names, such as {"RideEnded": {"minutes": 12}}.`)
    }
    for (const [name, each] of Object.entries(value)) add(name, each)
  }
  if (file !== undefined) addAll(file, 'The file')
  for (const word of words) {
    const pair = /^([^\s={["]+)=([\s\S]*)$/.exec(word)
    if (pair === null) addAll(word, 'What is fed')
    else add(pair[1] ?? '', parse(pair[2] ?? '', `The value of ${pair[1] ?? ''}`))
  }
  return delta
}

/** @throws {@link Trouble} that says where the text is wrong, and nothing of what else is in it */
function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    const { line, column, found } = jsonFault(text)
    throw new Trouble(`${what} is not JSON: line ${line}, column ${column}, ${found}.${adviceFor(text)}`)
  }
}

/** For what is JavaScript and no JSON, or lost its quotes to the shell. */
function adviceFor(text: string): string {
  if (/^[A-Za-z][\w -]*$/.test(text)) return ` A text needs quotes, also within those of the shell: '"…"'.`
  if (/^\s*[{[].*'/s.test(text)) return ' JSON takes double quotes only.'
  if (/[{,]\s*[A-Za-z_$][\w$]*\s*:/.test(text)) {
    return ` Names of members need double quotes, and all of it single ones for the shell: '{"name": …}'.`
  }
  return ''
}
