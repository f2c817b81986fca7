import type { Catalogue, Entry } from './catalogue.ts'

/** A builder of a workflow's version. */
interface Speaker {
  readonly workflow: string
  readonly version: number
  readonly builder: string
}

/** What does not leave the server. */
export interface Veil {
  /** Whether values of this data stay here. They do where this process does not know the data. */
  hides(workflow: string, version: number, data: string): boolean
  /** What a builder said, as a client may read it. */
  textOf(speaker: Speaker, text: string): string
}

const WITHHELD = 'withheld, since the builder has to do with sensitive data'

export function veilOver(catalogue: Catalogue): Veil {
  const judges = (workflow: string, version: number): readonly Entry[] => {
    const all = catalogue.versionsOf(workflow)
    const exact = all.filter((each) => each.version === version)
    // Versions that this process does not serve are judged by those that it does.
    return exact.length > 0 ? exact : all
  }
  return {
    hides(workflow, version, data) {
      const all = judges(workflow, version).map((each) => each.data.get(data))
      return !all.some((each) => each !== undefined) || all.some((each) => each?.sensitive === true)
    },
    textOf({ workflow, version, builder }, text) {
      const all = judges(workflow, version)
      const open = all.some(({ builders }) => builders.has(builder))
      return open && !all.some(({ initiated }) => initiated.has(builder)) ? scrubbed(text) : WITHHELD
    },
  }
}

const LONGEST_TEXT = 1000

/** Where a stack begins. */
const STACK = /\n\s+at [\s\S]*/
/** `postgres://user:password@host/name` and the like; of others, the part before the host. */
const DATABASE =
  /\b(jdbc:)?(postgres(ql)?|mysql|mariadb|mssql|sqlserver|mongodb(\+srv)?|rediss?|amqps?|nats)(:\/\/)[^\s'"]*/gi
const CREDENTIALS = /\b([a-z][a-z\d+.-]{0,20}:\/\/)[^\s/@]{1,200}@/gi
const PASSWORD = /\b(pass(word|wd)?|pwd|secret|token|api[-_ ]?key|authorization)(["']?\s{0,3}[=:]\s{0,3})[^\s;,&]+/gi
const SQL =
  /\b(select\s[\s\S]*?\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|merge\s+into\s|(create|alter|drop|truncate)\s+(table|index|schema|database|role|user|view|type)\s|with\s+\S+\s+as\s*\()[\s\S]*/i

/** What an error says, without what it should not have said. A builder may throw whatever its clients throw. */
export function scrubbed(text: string): string {
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
  return short
    .replace(STACK, '')
    .replace(DATABASE, '$2$5…')
    .replace(CREDENTIALS, '$1…@')
    .replace(PASSWORD, '$1$3…')
    .replace(SQL, '(SQL withheld)')
}
