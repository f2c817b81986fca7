import { describeNode } from './description.ts'
import type { BuilderDescription } from './description.ts'
import type { Graph, Node, Slot } from './graph.ts'
import { listNames } from './naming.ts'

/**
 * What is different between two graphs of a workflow, in words: one sentence each, without a full stop, that says what is
 * so in the newer one.
 */
export function differences(older: Graph, newer: Graph): string[] {
  return [
    ...differentTargets(older, newer),
    ...differentBuilders(older, newer),
    ...differentData(older, newer),
    ...differentLoops(older, newer),
    ...(older.timeout === newer.timeout ? [] : [`an instance has ${timeOf(newer)} instead of ${timeOf(older)}`]),
  ]
}

function differentTargets(older: Graph, newer: Graph): string[] {
  const [before, after] = [older, newer].map((graph) => graph.targets.map((slot) => (graph.slots[slot] as Slot).name))
  if (before === undefined || after === undefined || sameList(before, after)) return []
  return [`the target is ${listNames(after)} instead of ${listNames(before)}`]
}

function timeOf({ timeout }: Graph): string {
  return timeout === undefined ? 'all the time there is' : `${timeout} ms`
}

function differentBuilders(older: Graph, newer: Graph): string[] {
  const found: string[] = []
  for (const node of newer.nodes) {
    const before = nodeNamed(older, node.name)
    if (before === undefined) found.push(`builder '${node.name}' is new: it ${makes(describeNode(newer, node))}`)
    else found.push(...differentBuilder(describeNode(older, before), describeNode(newer, node)))
  }
  for (const node of older.nodes) {
    if (newer.nodeOf.has(node.name)) continue
    found.push(`builder '${node.name}' is gone: it ${makes(describeNode(older, node), 'd')}`)
  }
  return found
}

function makes({ produces, consumes, optionals }: BuilderDescription, past = ''): string {
  const reads = [...consumes, ...optionals]
  const verb = past === '' ? 'makes' : 'made'
  return `${verb} '${produces}'${reads.length === 0 ? '' : ` of ${listNames(reads)}`}`
}

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

function differentData(older: Graph, newer: Graph): string[] {
  return newer.slots.flatMap(({ name, data, transient }) => {
    const before = older.slots[older.slotOf.get(name) ?? -1]
    if (before === undefined) return []
    const found: string[] = []
    if (before.data.version !== data.version) {
      found.push(`data '${name}' has version ${data.version} instead of ${before.data.version}`)
    }
    const [was, is] = [before.data.about?.name, data.about?.name]
    if (was !== is)
      found.push(`data '${name}' is ${is === undefined ? `no longer about '${was ?? ''}'` : `about '${is}' now`}`)
    if (before.transient !== transient) found.push(`data '${name}' is ${transient ? '' : 'no longer '}transient`)
    return found
  })
}

function differentLoops(older: Graph, newer: Graph): string[] {
  if (older.loops !== newer.loops) return [`loops are ${newer.loops ? 'allowed' : 'no longer allowed'}`]
  if (!newer.loops) return []
  const order = (graph: Graph, other: Graph): string[] =>
    [...graph.nodes]
      .filter(({ name }) => other.nodeOf.has(name))
      .sort((a, b) => a.declared - b.declared)
      .map(({ name }) => name)
  if (sameList(order(older, newer), order(newer, older))) return []
  return ['its builders are declared in another order, which decides with loops what is seen in the next pass only']
}

function nodeNamed(graph: Graph, name: string): Node | undefined {
  return graph.nodes[graph.nodeOf.get(name) ?? -1]
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i])
}
