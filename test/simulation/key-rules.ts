/** What a builder is given when it runs. */
import type { HookInfo, Row } from 'polaris-workflow'
import type { BuilderSpec, Inputs } from '../model/spec.ts'
import type { AuditFacts } from './subject.ts'
import { valueOf } from './world.ts'

/** P8: what is to happen once outside has one key, whoever tries; and a key stands for one thing. */
export function checkKey(
  { graph, blame }: AuditFacts,
  keys: Map<string, string>,
  b: BuilderSpec,
  inputs: Inputs,
  key: string,
  { id, scope, pass }: HookInfo,
): void {
  if (graph.spec.durability === 'scope') return
  const run = `${key.split(':')[0]} ${scope} ${pass} ${b.name}`
  const known = keys.get(run)
  if (known !== undefined && known !== key) blame(`${run} ran as ${known} and as ${key}`)
  keys.set(run, key)
  // A `once` builder's key is for its product, whatever it is made of; a pure one has no effects to name.
  if (b.once || b.pure) return
  // A transient that was fed is gone with the process.
  const kept = [...b.consumes, ...b.optionals].filter((name) => !graph.spec.transients.includes(name))
  const seen = JSON.stringify(kept.map((name) => inputs[name]))
  const meant = keys.get(key)
  if (meant !== undefined && meant !== seen) blame(`${b.name} of ${id} ran with ${meant} and with ${seen} as ${key}`)
  keys.set(key, seen)
}

/** Whoever has effects outside is given only what no crash can take away. */
export function checkDurable(
  { graph, blame }: AuditFacts,
  b: BuilderSpec,
  inputs: Inputs,
  { id, scope }: HookInfo,
  rows: readonly Row[],
): void {
  const { durability, transients, builders } = graph.spec
  if (durability === 'scope') return
  for (const name of [...b.consumes, ...b.optionals]) {
    if (!(name in inputs) || transients.includes(name)) continue
    const producer = builders.find((each) => each.produces === name)
    if (b.pure && producer?.pure === true) continue
    if (rows.some((row) => row.data === name && valueOf(row) === inputs[name])) continue
    blame(`${b.name} of ${id} ran in scope ${scope} with ${name}=${inputs[name]}, which is not stored`)
  }
}
