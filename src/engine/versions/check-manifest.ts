import type { Crossing } from '../../graph/crossing.ts'
import { differences } from '../../graph/difference.ts'
import type { Slot } from '../../graph/graph.ts'
import { fingerprintOf, graphOfManifest, manifestOf, readManifest } from '../../graph/manifest.ts'
import type { Manifest } from '../../graph/manifest.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import { graphOf } from '../../graph/workflow.ts'
import { PolarisError } from '../../graph/errors.ts'
import { changedMessage, lineups, unservedMessage } from './lineup.ts'
import type { Lineup } from './lineup.ts'
import { badWorkflow } from '../refusals.ts'
import type { StrandedReason } from './stranding-groups.ts'

/** The graphs of workflows, as plain JSON: to be committed beside the code, and checked against by later code. */
export interface ManifestFile {
  readonly format: 1
  readonly workflows: readonly Manifest[]
}

/** What code means for the instances of one older version, as far as the graphs tell. */
export interface ManifestVersionReport {
  readonly version: number
  /**
   * `continue`: its instances go on as they are. `move`: they move to the newest version. `strand`: some might not be able
   * to, or none can go on; `risks` says which and why.
   */
  readonly verdict: 'continue' | 'move' | 'strand'
  readonly differences: readonly string[]
  /** What would be done to data. */
  readonly steps: readonly string[]
  /** Data that would go, as `migrate` says. */
  readonly dropped: readonly string[]
  /** Builders that would run where their inputs are there. */
  readonly due: readonly string[]
  readonly risks: readonly StrandedReason[]
}

/** What {@link checkManifest} found, by workflow. Not `ok`: open instances of some version could be stranded. */
export interface ManifestReport {
  readonly ok: boolean
  readonly workflows: readonly {
    readonly workflow: string
    readonly newest: number
    readonly versions: readonly ManifestVersionReport[]
  }[]
}

/** The graphs of workflows as plain JSON. Throws `WORKFLOW_NOT_FOUND`. */
export function manifest(workflows: readonly AnyWorkflow[]): ManifestFile {
  const manifests = workflows.map((workflow) => {
    const graph = graphOf(workflow)
    if (graph !== undefined) return manifestOf(graph)
    throw badWorkflow('manifest')
  })
  return {
    format: 1,
    workflows: manifests.sort((a, b) =>
      a.workflow === b.workflow ? a.version - b.version : a.workflow < b.workflow ? -1 : 1,
    ),
  }
}

/**
 * What code means for instances of the workflows that a manifest describes: without a store, so what depends on their data is
 * named as a risk.
 *
 * Throws `MANIFEST_INVALID`, `WORKFLOW_NOT_FOUND`, `GRAPH_INVALID`.
 */
export function checkManifest(file: unknown, workflows: readonly AnyWorkflow[]): ManifestReport {
  const older = new Map<string, Manifest[]>()
  for (const each of readFile(file)) older.set(each.workflow, [...(older.get(each.workflow) ?? []), each])
  const reports = Array.from(lineups(workflows), ([workflow, lineup]) => ({
    workflow,
    newest: lineup.newest.version,
    versions: (older.get(workflow) ?? []).map((each) => reportOn(each, lineup)),
  }))
  const ok = reports.every(({ versions }) => versions.every(({ verdict }) => verdict !== 'strand'))
  return { ok, workflows: reports }
}

function readFile(file: unknown): Manifest[] {
  const given = file as Partial<ManifestFile> | null | undefined
  if (given?.format === 1 && Array.isArray(given.workflows)) return given.workflows.map(readManifest)
  throw new PolarisError(
    'MANIFEST_INVALID',
    "A manifest is what polaris.manifest() gives, or 'npx polaris manifest' prints: { format: 1, workflows: [ … ] }.",
  )
}

function reportOn(older: Manifest, lineup: Lineup): ManifestVersionReport {
  const { newest } = lineup
  const { version, fingerprint } = older
  const from = graphOfManifest(older)
  const own = lineup.version(version)
  const serves = own !== undefined && fingerprintOf(own) === fingerprint
  const moves = newest.policy !== 'pin' && newest.version > version
  const said = { differences: differences(from, newest), steps: [], dropped: [], due: [] }
  const strand = (reason: StrandedReason['reason'], message: string): ManifestVersionReport => ({
    ...{ version, verdict: 'strand', ...said, risks: [{ reason, message }] },
  })
  if (own !== undefined && !serves) return strand('changed', changedMessage(own, from))
  if (own === undefined) return strand('unserved', unservedMessage(version, newest))
  if (!moves) return { version, verdict: 'continue', ...said, risks: [] }
  const crossing = lineup.crossing(from)
  const risks = risksOf(crossing)
  return {
    ...{ version, verdict: 'move', ...said, risks },
    ...{ steps: stepsOf(crossing), dropped: droppedBy(crossing) },
    due: Array.from(crossing.changes.keys(), (index) => crossing.to.nodes[index]?.name ?? ''),
  }
}

function risksOf({ from, to, fates, orphans, origins, changes }: Crossing): StrandedReason[] {
  const lost = fates.flatMap((fate, slot): StrandedReason[] => {
    if (fate.kind !== 'lost') return []
    return [{ reason: fate.reason, name: (from.slots[slot] as Slot).name, message: fate.why }]
  })
  const orphaned = [...orphans].map((name): StrandedReason => {
    const message = `instances that do not have '${name}' yet would wait for it in vain: no builder makes it any more`
    return { reason: 'no-producer', name, message }
  })
  const again = to.nodes.flatMap((node): StrandedReason[] => {
    const before = from.nodes[origins[node.index] ?? -1]
    if (before === undefined || changes.get(node.index) === undefined) return []
    const [was, is] = [(from.slots[before.out] as Slot).name, (to.slots[node.out] as Slot).name]
    const fate = fates[before.out]
    const handed = was === is || fate?.kind === 'renamed' || fate?.kind === 'made' || fate?.kind === 'given'
    if (handed || !(before.builder.once || node.builder.once)) return []
    const message = `builder '${node.name}' is once, and would run again where it has made its '${was}'`
    return [{ reason: 'once', name: node.name, message }]
  })
  return [...lost, ...orphaned, ...again]
}

function stepsOf({ from, to, fates }: Crossing): string[] {
  return fates.flatMap((fate, slot) => {
    const { name, data } = from.slots[slot] as Slot
    if (fate.kind === 'stepped') return [`${name} ${data.version} → ${(to.slots[fate.to] as Slot).data.version}`]
    if (fate.kind === 'renamed') return [`${name} → ${(to.slots[fate.to] as Slot).name}`]
    return fate.kind === 'made' || fate.kind === 'given' ? [`${name} → by a function`] : []
  })
}

function droppedBy({ from, fates }: Crossing): string[] {
  return fates.flatMap((fate, slot) => (fate.kind === 'dropped' ? [(from.slots[slot] as Slot).name] : []))
}
