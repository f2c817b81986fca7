import { describeGraph } from '../../graph/description.ts'
import type { BuilderDescription } from '../../graph/description.ts'
import { differences, differentBuilder } from '../../graph/difference.ts'
import type { Graph } from '../../graph/graph.ts'
import { fingerprintOf } from '../../graph/manifest.ts'
import { graphOf } from '../../graph/workflow.ts'
import type { AnyWorkflow } from '../../graph/workflow.ts'
import { badWorkflow } from '../refusals.ts'

/** What is different between the graphs of two workflows, by names and in words. */
export interface WorkflowDifference {
  /** The graphs are the same: they have one fingerprint. */
  readonly same: boolean
  /** All of it in words, each saying what is so in the newer one. */
  readonly sentences: readonly string[]
  readonly builders: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly { readonly name: string; readonly sentences: readonly string[] }[]
  }
  readonly data: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    /** Of another version, or transient in one of them only. */
    readonly changed: readonly string[]
  }
}

/** Compares the graphs of two versions of a workflow. Throws `WORKFLOW_NOT_FOUND` for what is no workflow. */
export function compareWorkflows(older: AnyWorkflow, newer: AnyWorkflow): WorkflowDifference {
  const [before, after] = [graphOf(older), graphOf(newer)]
  if (before === undefined || after === undefined) throw badWorkflow('compareWorkflows')
  const [builders, earlier] = [buildersOf(after), buildersOf(before)]
  const changed = [...builders].flatMap(([name, builder]) => {
    const was = earlier.get(name)
    const sentences = was === undefined ? [] : differentBuilder(was, builder)
    return sentences.length === 0 ? [] : [{ name, sentences }]
  })
  const [data, dataBefore] = [dataOf(after), dataOf(before)]
  return {
    same: fingerprintOf(before) === fingerprintOf(after),
    sentences: differences(before, after),
    builders: { added: lacking(builders, earlier), removed: lacking(earlier, builders), changed },
    data: {
      added: lacking(data, dataBefore),
      removed: lacking(dataBefore, data),
      changed: [...data].flatMap(([name, is]) => ((dataBefore.get(name) ?? is) === is ? [] : [name])),
    },
  }
}

function buildersOf(graph: Graph): Map<string, BuilderDescription> {
  return new Map(describeGraph(graph).builders.map((builder) => [builder.name, builder]))
}

function dataOf({ slots }: Graph): Map<string, string> {
  return new Map(slots.map(({ name, data, transient }) => [name, `${data.version} ${String(transient)}`]))
}

function lacking(these: ReadonlyMap<string, unknown>, those: ReadonlyMap<string, unknown>): string[] {
  return [...these.keys()].filter((name) => !those.has(name))
}
