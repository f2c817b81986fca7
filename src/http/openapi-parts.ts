/** The parts of the OpenAPI document that are the same whatever the workflows. */
import { count, data, object, ref, status, text, texts, time } from './openapi-kit.ts'
import { LOOK_SCHEMAS } from './openapi-looks.ts'
import { PROBLEMS } from './problems.ts'

const said = object({ name: text, message: text, code: text }, ['code'])
const summary = {
  ...{ id: text, workflow: text, version: count, status, scopes: count, revision: count },
  ...{ createdAt: time, updatedAt: time },
}
const lack = object({ data: text, from: text, because: text }, ['from', 'because'])

const timer = { name: text, produces: text, at: time }

const SCHEMAS = {
  ...LOOK_SCHEMAS,
  Problem: {
    ...object(
      {
        ...{ type: text, title: text, status: count, detail: text },
        code: { enum: Object.keys(PROBLEMS) },
        errors: {
          type: 'array',
          items: object({ detail: text, pointer: text }),
          description: 'With DATA_INVALID: what is wrong where, as JSON pointers into the body.',
        },
      },
      ['errors'],
    ),
    description: 'RFC 9457. Tell problems apart by their code.',
  },
  InstanceSummary: object({ ...summary, waitingFor: texts }, ['waitingFor']),
  InstancePage: object({ instances: { type: 'array', items: ref('InstanceSummary') }, next: text, looked: count }, [
    'next',
    'looked',
  ]),
  Instance: object(
    {
      ...summary,
      ...{ waitingFor: texts, targetName: text, data },
      seqs: {
        type: 'object',
        additionalProperties: count,
        description: 'By the names of data, seq of the entry that each is from: what the parameter about names.',
      },
      failure: object({ builder: text, at: time, attempt: count, name: text, message: text, code: text }, [
        'code',
        'attempt',
      ]),
      retries: { type: 'array', items: object({ builder: text, attempt: count, retryAt: time, error: said }) },
      compensation: ref('Compensation'),
      timers: { type: 'array', items: object(timer) },
      ...{ deadline: time, at: count, explanation: ref('Explanation') },
    },
    ['targetName', 'failure', 'retries', 'compensation', 'timers', 'deadline', 'at', 'explanation'],
  ),
  Compensation: object(
    { done: { type: 'boolean' }, left: count, builder: text, attempt: count, error: said, retryAt: time },
    ['builder', 'attempt', 'error', 'retryAt'],
  ),
  Result: object(
    {
      ...{ id: text, workflow: text, version: count, scope: count },
      status: { enum: ['completed', 'waiting', 'failed', 'retrying', 'cancelled'] },
      ...{ waitingFor: texts, targetName: text, target: {}, produced: data },
    },
    ['targetName', 'target'],
  ),
  Submitted: object({ id: text, scope: count }),
  HistoryEntry: object(
    {
      ...{ seq: count, scope: count, pass: count, outcome: text, builder: text, data: text, value: {} },
      inputs: { type: 'array', items: object({ data: text, seq: count }) },
      ...{ startedAt: time, endedAt: time, because: text, awaits: text, error: said, meta: { type: 'object' } },
      from: object({ id: text, seq: count }),
      ...{
        attempt: count,
        retryAt: time,
        fallback: { const: true },
        sameAs: count,
        about: count,
        move: { type: 'object' },
      },
    },
    [
      ...['builder', 'data', 'value', 'because', 'awaits', 'error', 'meta', 'from'],
      ...['attempt', 'retryAt', 'fallback', 'sameAs', 'about', 'move'],
    ],
  ),
  HistoryPage: object({ entries: { type: 'array', items: ref('HistoryEntry') }, next: count }, ['next']),
  Explanation: object(
    {
      ...{ id: text, workflow: text, version: count, status, waitingFor: texts },
      open: object({ scope: count, pass: count, mode: { enum: ['sequential', 'parallel'] } }),
      unserved: { const: true },
      mail: { type: 'array', items: object({ scope: count, since: time, version: count, stuck: text }, ['stuck']) },
      targets: {
        type: 'array',
        items: object({
          name: text,
          state: { enum: ['present', 'stale', 'absent'] },
          because: texts,
          waitingFor: texts,
        }),
      },
      builders: {
        type: 'array',
        items: object(
          {
            ...{ name: text, state: text, lacks: { type: 'array', items: lack }, outdated: { type: 'boolean' } },
            ...{ because: text, awaits: text, error: said, attempt: count, retryAt: time },
          },
          ['because', 'awaits', 'error', 'attempt', 'retryAt'],
        ),
      },
      compensation: ref('Compensation'),
      timers: {
        type: 'array',
        items: object({ ...timer, when: text, state: text, count, endedBy: text, error: said }, [
          'at',
          'endedBy',
          'error',
        ]),
      },
      deadline: time,
    },
    ['open', 'unserved', 'mail', 'compensation', 'deadline'],
  ),
  WorkflowList: object({
    workflows: {
      type: 'array',
      items: object({
        ...{ name: text, version: count, targets: texts, inputs: texts },
        versions: { type: 'array', items: count },
      }),
    },
  }),
  Workflow: object({
    ...{ workflow: text, version: count, fingerprint: text, targets: texts, inputs: texts, unreachable: texts },
    ranks: { type: 'array', items: texts },
    builders: { type: 'array', items: { type: 'object' } },
    data: {
      type: 'array',
      items: object(
        {
          ...{ name: text, producer: text, schema: { type: 'object' } },
          ...Object.fromEntries(
            ['target', 'transient', 'feedable', 'sensitive'].map((name) => [name, { type: 'boolean' }]),
          ),
          about: text,
        },
        ['producer', 'about'],
      ),
    },
  }),
  Nothing: { type: 'object', additionalProperties: false },
  Reason: object({ reason: text }, ['reason']),
  Cancel: object({ reason: text, compensate: { type: 'boolean' } }, ['reason', 'compensate']),
  Upgrade: object({ version: count, to: count }, ['version', 'to']),
  UpgradeOne: object({ to: count }, ['to']),
  Upgraded: object({
    ...{ moved: count, failed: count, busy: count },
    stranded: {
      type: 'array',
      items: object({ reason: text, name: text, message: text, count, ids: texts }, ['name']),
    },
  }),
  Rerun: object({ builder: text, reason: text }, ['reason']),
  Fork: object({ id: text, at: count, reason: text }, ['at', 'reason']),
  Anything: { type: 'object' },
}

function answer(schema: keyof typeof SCHEMAS, description: string): object {
  return { description, content: { 'application/json': { schema: ref(schema) } } }
}

function parameter(place: 'path' | 'query' | 'header', name: string, schema: object, description: string): object {
  return { in: place, name, required: place === 'path', schema, description }
}

const PARAMETERS = [
  parameter('path', 'id', { type: 'string', minLength: 1, maxLength: 512 }, 'The workflow id'),
  parameter('path', 'workflow', text, 'The name of a workflow'),
  parameter('query', 'version', count, 'Default: the newest'),
  parameter('query', 'workflow', text, 'Only of this workflow'),
  parameter('query', 'status', text, 'Only of these statuses, with commas between them'),
  parameter('query', 'createdFrom', time, 'Created at this time or later'),
  parameter('query', 'createdBefore', time, 'Created before this time'),
  parameter('query', 'order', { enum: ['oldest', 'newest'] }, 'Which come first, by creation. Default: the oldest'),
  parameter('query', 'limit', { type: 'integer', minimum: 1, maximum: 1000 }, 'Default 100'),
  parameter('query', 'cursor', text, '`next` of the page before'),
  parameter('query', 'after', count, 'Only entries with a greater seq'),
  parameter('query', 'format', { enum: ['mermaid', 'dot', 'json'] }, 'Default mermaid'),
  parameter('query', 'id', text, 'Only the one with this id'),
  parameter('query', 'idPrefix', text, 'Only those whose ids begin so, in order of ids where the store has that'),
  parameter('query', 'waitingFor', text, 'Only those that wait for this data'),
  parameter('query', 'waiting', { enum: ['true', 'false'] }, 'Whether to tell what each waits for'),
  parameter('query', 'sample', { type: 'integer', minimum: 1, maximum: 1000 }, 'How many to look at. Default 200'),
  parameter('query', 'explain', { enum: ['true', 'false'] }, 'Whether to explain it as well, as `explain` does'),
  parameter('query', 'values', { enum: ['true', 'false'] }, 'Whether to show the values as well'),
  parameter('query', 'at', count, 'As it stood after the entry of the history with this seq'),
  parameter('query', 'from', count, 'The older version, or seq of the earlier entry; 0 stands for before the first'),
  parameter('query', 'to', count, 'The newer version, or seq of the later entry. Default: the newest'),
  parameter('query', 'seq', count, 'Of an entry of the history'),
  parameter('query', 'operation', { enum: ['upgrade', 'resume', 'restart', 'rerun'] }, 'What to look ahead to'),
  parameter('query', 'builder', text, 'With rerun: which'),
  parameter(
    'query',
    'mode',
    { enum: ['parallel', 'sequential', 'submit'] },
    'parallel, the default: as many builders at once as can; sequential: one by one; submit: store, and let a worker go on',
  ),
  parameter(
    'query',
    'expect',
    { enum: ['new', 'existing'] },
    'Refuses the delta unless the instance is new, or exists',
  ),
  parameter(
    'query',
    'about',
    count,
    'Data that are about others: seq of the entry that these are from. Refused with DATA_OUTDATED if that was replaced',
  ),
  parameter('header', 'Idempotency-Key', text, 'The same request sent again under it is handled once'),
  parameter('header', 'Last-Event-ID', text, 'Begin after this entry of the history'),
]

function byPlaceAndName(parameters: readonly object[]): object {
  return Object.fromEntries(
    (parameters as { in: string; name: string }[]).map((each) => [`${each.in}_${each.name}`, each]),
  )
}

interface Components {
  readonly schemas: Readonly<Record<string, object>>
  readonly responses: object
  readonly parameters: object
  readonly securitySchemes: object
}

export const COMPONENTS: Components = {
  schemas: SCHEMAS,
  responses: {
    Problem: { description: 'It was refused', content: { 'application/problem+json': { schema: ref('Problem') } } },
    ...{ Instance: answer('Instance', 'The instance'), Result: answer('Result', 'What the scope came to') },
    Upgraded: answer('Upgraded', 'What became of them'),
    Submitted: answer('Submitted', 'It is stored; a worker goes on'),
    InstancePage: answer('InstancePage', 'A page'),
    HistoryPage: answer('HistoryPage', 'A page'),
    Explanation: answer('Explanation', 'Builder by builder'),
    WorkflowList: answer('WorkflowList', 'The workflows'),
    Workflow: answer('Workflow', 'The workflow'),
    Anything: answer('Anything', 'An object'),
    Deleted: { description: 'It is gone' },
    Graph: {
      description: 'The graph',
      content: { 'text/plain': { schema: text }, 'application/json': { schema: ref('Graph') } },
    },
    Overview: answer('Overview', 'The counts'),
    Versions: answer('Versions', 'The newest version first'),
    Check: answer('Check', 'As `polaris check` has it'),
    Standing: answer('Standing', 'Of samples'),
    WorkflowDifferences: answer('WorkflowDifferences', 'The differences'),
    Manifest: answer('Manifest', 'The manifest'),
    Differences: answer('Differences', 'The differences'),
    Lineage: answer('Lineage', 'Entries, oldest first, and what they are to the one asked about'),
    Runs: answer('Runs', 'By builder, in order of their first try'),
    Preview: answer('Preview', 'What would run'),
    Events: {
      description: 'Events `change` with { instance, entries }, and `gone`',
      content: { 'text/event-stream': { schema: text } },
    },
  },
  parameters: byPlaceAndName(PARAMETERS),
  securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
}
