import { stridesBetween } from '../../graph/crossing.ts'
import type { AnyData } from '../../graph/data.ts'
import { describeValue, PolarisError } from '../../graph/errors.ts'
import type { Graph, Slot } from '../../graph/graph.ts'
import { freezeDeep } from './freeze.ts'
import { validatorOf } from '../state/program.ts'
import { checkValue, Later, Refusal } from './schema.ts'
import { walkNow } from './strides.ts'

/** By graph, the data of all versions of its workflow that were registered beside it. */
const families = new WeakMap<Graph, Set<AnyData>>()

/** Makes a version known to those that are registered beside it. */
export function joinFamily(graph: Graph, beside: Graph | undefined): void {
  const family = (beside && families.get(beside)) ?? families.get(graph) ?? new Set()
  for (const { data } of graph.slots) family.add(data)
  families.set(graph, family)
}

/** Whether a data is of the graph's workflow, be it of another version. */
export function isKin(graph: Graph, data: AnyData): boolean {
  return families.get(graph)?.has(data) === true
}

/**
 * The slot of a data; of one that belongs to another version of the workflow, its namesake's, `undefined` if there is none.
 *
 * @throws `DATA_UNKNOWN` for what no version has, namesakes included
 */
export function slotFor(graph: Graph, data: AnyData): Slot | undefined {
  const given = data as { readonly name?: unknown } | null | undefined
  const slot = typeof given?.name === 'string' ? graph.slots[graph.slotOf.get(given.name) ?? -1] : undefined
  if ((slot !== undefined && slot.data === data) || isKin(graph, data)) return slot
  throw new PolarisError(
    'DATA_UNKNOWN',
    `Workflow '${graph.name}' does not have data '${typeof given?.name === 'string' ? given.name : describeValue(data)}' ` +
      '(or only a namesake declared elsewhere). ' +
      `It has ${graph.slots.map(({ name }) => name).join(', ')}.`,
  )
}

/**
 * A value as one who asks for it by another version of its data is to get it: through the steps between them.
 *
 * @throws `VERSION_NOT_SERVED` where that cannot be had
 */
export function valueFor({ name, version }: Graph, slot: Slot, data: AnyData, value: unknown): unknown {
  if (slot.data === data || slot.data.version === data.version || value === undefined) return value
  const strides = stridesBetween(slot.data, data, () => undefined)
  const walked = strides && walkNow(strides, value)
  const given = walked === undefined || Refusal.is(walked[0]) ? walked?.[0] : checkValue(validatorOf(data), walked[0])
  if (given !== undefined && !Refusal.is(given) && !Later.is(given)) {
    freezeDeep(given)
    return given
  }
  throw new PolarisError(
    'VERSION_NOT_SERVED',
    `Version ${version} of workflow '${name}' has '${slot.name}' in version ${slot.data.version}, and it was asked for in ` +
      `version ${data.version}: ${strides === undefined ? 'no step leads there' : 'the steps between them do not answer'}.`,
  )
}
