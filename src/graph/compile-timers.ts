import type { AnyBuilder } from './builder.ts'
import type { AnyData } from './data.ts'
import { ACCESS } from './graph.ts'
import type { CompiledTimer, Graph, Node, TimerEnd } from './graph.ts'
import { timerRuleOf } from './timer.ts'

/** What only the workflow can tell to be wrong with its timers. */
export function timerProblems(builders: readonly AnyBuilder[], transients: readonly AnyData[]): string[] {
  const transient = new Set(transients.map(({ name }) => name))
  return builders.flatMap((builder) => {
    const rule = timerRuleOf(builder)
    if (rule === undefined || transient.size === 0) return []
    const named: readonly (readonly [string, AnyData])[] = [
      ['after', rule.after],
      ...rule.unless.map((data) => ['unless', data] as const),
      ['produces', builder.produces as AnyData],
    ]
    return named
      .filter(([, { name }]) => transient.has(name))
      .map(([kind, { name }]) => `timer '${builder.name}' ${kind} '${name}', which is transient and gone by then`)
  })
}

export function compileTimes(
  nodes: readonly Node[],
  timeout: number | undefined,
): Pick<Graph, 'timers' | 'timeout' | 'timed'> {
  const timers = nodes.filter(({ timer }) => timer !== undefined).map(({ index }) => index)
  return { timers, timeout, timed: timers.length > 0 || timeout !== undefined }
}

/**
 * The nodes with what ends each timer, which only the whole graph tells: what it names as `unless`, and each target, but
 * for those it comes after: what is to happen so long after the end is not ended by it.
 */
export function withEnds(
  nodes: readonly Node[],
  slotOf: ReadonlyMap<string, number>,
  targets: readonly number[],
  producers: Int32Array,
): readonly Node[] {
  if (nodes.every(({ timer }) => timer === undefined)) return nodes
  return nodes.map((node): Node => {
    const { timer } = node
    return timer === undefined
      ? node
      : { ...node, timer: { ...timer, ends: endsOf(timer, nodes, slotOf, targets, producers) } }
  })
}

function endsOf(
  { rule, after }: CompiledTimer,
  nodes: readonly Node[],
  slotOf: ReadonlyMap<string, number>,
  targets: readonly number[],
  producers: Int32Array,
): TimerEnd[] {
  const inScope = slotsAbove(after, nodes, producers, false)
  const unless = rule.unless.map(({ name }) => slotOf.get(name) ?? 0)
  const ends = unless.map((slot): TimerEnd => ({ slot, above: inScope.has(slot) }))
  if (rule.evenWhenCompleted) return ends
  const above = slotsAbove(after, nodes, producers, true)
  for (const slot of targets) if (!above.has(slot) && !unless.includes(slot)) ends.push({ slot, above: false })
  return ends
}

/** Slots from which builders, and timers if told so, lead to this one; itself included. */
function slotsAbove(slot: number, nodes: readonly Node[], producers: Int32Array, overTimers: boolean): Set<number> {
  const found = new Set([slot])
  for (const reached of found) {
    const producer = nodes[producers[reached] ?? -1]
    if (producer === undefined) continue
    for (const { slot: read, kind } of producer.inputs) if (kind !== ACCESS) found.add(read)
    if (overTimers && producer.timer !== undefined) found.add(producer.timer.after)
  }
  return found
}
