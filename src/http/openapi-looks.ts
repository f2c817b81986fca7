/** Schemas of what the routes answer that look closer, and over many instances. */
import { count, data, flag, list, object, ref, text, texts, time } from './openapi-kit.ts'

const ms = { type: 'number', minimum: 0 }
const byOpenStatus = object({ running: count, waiting: count, retrying: count, failed: count })
const byStatus = object({
  ...{ running: count, waiting: count, retrying: count, failed: count, completed: count, cancelled: count },
})
const asOf = { ...time, description: 'When it was counted: counts are kept for some seconds' }
const complete = { type: 'boolean', description: 'If not, `looked` says of how many it tells' }

type Name =
  | ('GraphNode' | 'GraphEdge' | 'Graph' | 'WorkflowDifferences' | 'Manifest')
  | ('Differences' | 'Entry' | 'Lineage' | 'Runs' | 'Preview')
  | ('Overview' | 'Versions' | 'Check' | 'Standing')

export const LOOK_SCHEMAS: Readonly<Record<Name, object>> = {
  GraphNode: object(
    {
      ...{ id: text, kind: { enum: ['builder', 'timer', 'data'] }, name: text, target: flag, sensitive: flag },
      ...{ rank: count, produces: text, once: flag, pure: flag, transient: flag, unreachable: flag, feedable: flag },
      ...{ version: count, cutoff: flag, fallback: flag, retry: { type: 'object' }, timeout: ms, services: texts },
      ...{ settles: texts, timer: { type: 'object' } },
    },
    [
      ...['rank', 'produces', 'once', 'pure', 'transient', 'unreachable', 'feedable', 'version', 'cutoff', 'fallback'],
      ...['retry', 'timeout', 'services', 'settles', 'timer'],
    ],
  ),
  GraphEdge: object(
    {
      ...{ from: text, to: text, data: text },
      kind: { enum: ['consumes', 'optional', 'access', 'settled', 'sets', 'ends'] },
      cut: { const: true, description: 'A loop was cut here: it is seen in the next pass only.' },
    },
    ['cut'],
  ),
  Graph: object(
    {
      ...{ workflow: text, version: count, fingerprint: text, loops: flag, timeout: ms, targets: texts },
      ...{ ranks: list(texts), nodes: list(ref('GraphNode')), edges: list(ref('GraphEdge')) },
    },
    ['timeout'],
  ),
  WorkflowDifferences: object({
    ...{ workflow: text, from: count, to: count, same: flag, sentences: texts },
    builders: object({ added: texts, removed: texts, changed: list(object({ name: text, sentences: texts })) }),
    data: object({ added: texts, removed: texts, changed: texts }),
  }),
  Manifest: object({ format: { const: 1 }, workflows: list({ type: 'object' }) }),
  Differences: object({
    ...{ id: text, from: count, to: count },
    data: list(
      object({ name: text, change: { enum: ['added', 'removed', 'changed'] }, before: {}, after: {} }, [
        'before',
        'after',
      ]),
    ),
    same: texts,
  }),
  Entry: object(
    {
      ...{ seq: count, scope: count, pass: count, outcome: text, builder: text, data: text, attempt: count },
      ...{ startedAt: time, endedAt: time },
    },
    ['builder', 'data', 'attempt'],
  ),
  Lineage: object({
    seq: count,
    complete: flag,
    entries: list({
      allOf: [
        ref('Entry'),
        object({
          inputs: list(object({ data: text, seq: count })),
          side: { enum: ['itself', 'from', 'into'] },
        }),
      ],
    }),
  }),
  Runs: object({
    complete: flag,
    builders: list(
      object({
        ...{ name: text, runs: count, failures: count, attempts: count, lastAt: time },
        ms: object({ last: ms, mean: ms, max: ms }),
        entries: list(ref('Entry')),
      }),
    ),
  }),
  Preview: object(
    {
      ...{ operation: { enum: ['upgrade', 'resume', 'restart', 'rerun'] }, id: text, workflow: text, possible: flag },
      ...{ version: count, from: count, to: count, steps: texts, dropped: texts, due: texts, wouldRun: texts, data },
      ...{ status: { enum: ['completed', 'waiting'] }, waitingFor: texts },
      because: list(object({ reason: text, name: text, message: text }, ['name'])),
    },
    [
      ...['workflow', 'version', 'from', 'to', 'steps', 'dropped', 'due', 'wouldRun', 'data', 'status', 'waitingFor'],
      'because',
    ],
  ),
  Overview: object({
    ...{ asOf, since: time, complete, looked: count },
    workflows: list(
      object(
        {
          ...{ workflow: text, newest: count },
          versions: list(
            object(
              {
                ...{ version: count, served: flag, open: count, counts: byStatus, oldestOpen: time },
                lastMinute: object({ created: count, changed: byStatus }),
              },
              ['oldestOpen'],
            ),
          ),
        },
        ['newest'],
      ),
    ),
  }),
  Versions: object({
    ...{ asOf, complete, looked: count },
    versions: list(
      object({ workflow: text, version: count, served: flag, open: count, byStatus: byOpenStatus, oldest: time }, [
        'oldest',
      ]),
    ),
  }),
  Check: object({ asOf, ok: flag, open: count, checked: count, workflows: list({ type: 'object' }) }),
  Standing: object({
    ...{ workflow: text, version: count, asOf },
    open: object({ looked: count, complete }),
    recent: object({ looked: count, complete, since: time }, ['since']),
    waitingFor: list(object({ data: text, count })),
    builders: list(
      object(
        {
          ...{ name: text, states: { type: 'object', additionalProperties: count }, runs: count, failures: count },
          ms: object({ mean: ms, p50: ms, p95: ms, max: ms }),
        },
        ['ms'],
      ),
    ),
  }),
}
