import type { Route } from './routes.ts'

/** What a route is for, what it answers, and what it takes besides its path. */
export interface Doc {
  /** The operation's. */
  readonly id: string
  readonly summary: string
  /** Name of the response among the components. */
  readonly answer: string
  readonly status?: number
  readonly body?: string
}

const DOCS: Readonly<Record<string, Doc>> = {
  'GET ': { id: 'describe', summary: 'Where things are', answer: 'Anything' },
  'GET /openapi.json': { id: 'describeOpenapiJson', summary: 'This document', answer: 'Anything' },
  'GET /workflows': { id: 'describeWorkflows', summary: 'The workflows of this service', answer: 'WorkflowList' },
  'GET /workflows/{workflow}': {
    id: 'describeWorkflow',
    summary: 'A workflow: its graph, its data and their schemas',
    answer: 'Workflow',
  },
  'GET /workflows/{workflow}/graph': {
    id: 'graph',
    summary: 'The graph as Mermaid, as DOT, or as nodes and edges in JSON',
    answer: 'Graph',
  },
  'GET /workflows/{workflow}/differences': {
    id: 'workflowDifferences',
    summary: 'What is different between two versions of a workflow',
    answer: 'WorkflowDifferences',
  },
  'GET /workflows/{workflow}/manifest': {
    id: 'manifest',
    summary: 'The graph of a version as it is kept beside the code',
    answer: 'Manifest',
  },
  'POST /workflows/{workflow}/upgrade': {
    id: 'upgrade',
    summary: 'Moves open instances to another version',
    answer: 'Upgraded',
    body: 'Upgrade',
  },
  'GET /overview': {
    id: 'overview',
    summary: 'How many instances there are, by workflow, version and status, as of a moment ago',
    answer: 'Overview',
  },
  'GET /versions': { id: 'versions', summary: 'The open instances of each version', answer: 'Versions' },
  'GET /check': {
    id: 'check',
    summary: 'What the code of this service means for the open instances; reads only',
    answer: 'Check',
  },
  'GET /workflows/{workflow}/standing': {
    id: 'standing',
    summary: 'Where the instances of a version stand and how its builders fare, of samples',
    answer: 'Standing',
  },
  'GET /instances': { id: 'list', summary: 'Instances in order of creation, a page at a time', answer: 'InstancePage' },
  'GET /instances/{id}': {
    id: 'get',
    summary: 'An instance as it stands, or as it stood after an entry of its history',
    answer: 'Instance',
  },
  'DELETE /instances/{id}': {
    id: 'delete',
    summary: 'Deletes an instance with its history',
    answer: 'Deleted',
    status: 204,
  },
  'GET /instances/{id}/history': {
    id: 'history',
    summary: 'What happened to an instance, oldest first',
    answer: 'HistoryPage',
  },
  'GET /instances/{id}/explain': {
    id: 'explain',
    summary: 'What an instance has done, what it would do next, and what it waits for',
    answer: 'Explanation',
  },
  'GET /instances/{id}/events': {
    id: 'watch',
    summary: 'What becomes of an instance, as server-sent events',
    answer: 'Events',
  },
  'GET /instances/{id}/differences': {
    id: 'differences',
    summary: 'What is different about the data between two entries of the history',
    answer: 'Differences',
  },
  'GET /instances/{id}/lineage': {
    id: 'lineage',
    summary: 'What an entry of the history was made of, and what was made of it',
    answer: 'Lineage',
  },
  'GET /instances/{id}/builders': { id: 'runs', summary: 'How the builders fared', answer: 'Runs' },
  'GET /instances/{id}/preview': {
    id: 'preview',
    summary: 'What an operation would run, or a move to another version would mean; nothing is done',
    answer: 'Preview',
  },
  'POST /instances/{id}/resume': {
    id: 'resume',
    summary: 'Goes on after a failure or a crash',
    answer: 'Result',
    body: 'Nothing',
  },
  'POST /instances/{id}/restart': {
    id: 'restart',
    summary: 'Begins again from what was fed',
    answer: 'Result',
    body: 'Reason',
  },
  'POST /instances/{id}/rerun': {
    id: 'rerun',
    summary: 'Runs a builder again, and all that depends on it',
    answer: 'Result',
    body: 'Rerun',
  },
  'POST /instances/{id}/fork': {
    id: 'fork',
    summary: 'Copies an instance under another id',
    answer: 'Instance',
    status: 201,
    body: 'Fork',
  },
  'POST /instances/{id}/upgrade': {
    id: 'upgradeInstance',
    summary: 'Moves an open instance to another version',
    answer: 'Upgraded',
    body: 'UpgradeOne',
  },
  'POST /instances/{id}/cancel': {
    id: 'cancel',
    summary: 'Ends an instance for good',
    answer: 'Instance',
    body: 'Cancel',
  },
}

export function docOf({ method, path, action }: Route): Doc {
  return DOCS[`${method} ${path}`] ?? { id: `${action} ${path}`, summary: action, answer: 'Anything' }
}
