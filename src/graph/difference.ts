import type { BuilderDescription } from './description.ts'
import { listNames } from './naming.ts'

const READS = { consumes: 'consumes', optionals: 'takes optionally', accesses: 'looks at' } as const

/** What is different about a builder, as sentences. */
export function differentBuilder(before: BuilderDescription, after: BuilderDescription): string[] {
  const found: string[] = []
  const say = (what: string): void => void found.push(`builder '${after.name}' ${what}`)
  for (const kind of ['consumes', 'optionals', 'accesses'] as const) {
    const more = after[kind].filter((name) => !before[kind].includes(name))
    const less = before[kind].filter((name) => !after[kind].includes(name))
    if (more.length > 0) say(`${READS[kind]} ${listNames(more)} now`)
    if (less.length > 0) say(`no longer ${READS[kind]} ${listNames(less)}`)
  }
  if (before.produces !== after.produces) say(`makes '${after.produces}' instead of '${before.produces}'`)
  const [was, is] = [JSON.stringify(before.timer), JSON.stringify(after.timer)]
  if (was === undefined && is !== undefined) say('is a timer now')
  else if (was !== undefined && is === undefined) say('is no longer a timer')
  else if (was !== is) say(`goes off at other times: ${is} instead of ${was}`)
  if (before.once !== after.once) say(after.once ? 'is once now' : 'is no longer once')
  if (before.version !== after.version) say(`has version ${after.version} instead of ${before.version}`)
  return found
}
