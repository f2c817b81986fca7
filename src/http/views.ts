/** What goes out, as plain JSON: what is sensitive is only said to be there. Times are ISO 8601. */
import type { Explanation, HistoryEntry, InstanceDifference, FoundInstance, InstanceView, Result } from '../index.ts'
import type { Relative, Runs } from './lineage.ts'
import { shown } from './values.ts'
import type { Veil } from './veil.ts'

/** Stands for a sensitive value. */
const SENSITIVE: { readonly $sensitive: true } = Object.freeze({ $sensitive: true })

const OPERATIONS: ReadonlySet<HistoryEntry['outcome']> = new Set(['restart', 'rerun', 'forked', 'cancelled'] as const)

interface Subject {
  readonly workflow: string
  readonly version: number
}

type Said = NonNullable<HistoryEntry['error']>

export function summaryView({ createdAt, updatedAt, ...summary }: FoundInstance): object {
  return { ...summary, createdAt: time(createdAt), updatedAt: time(updatedAt) }
}

export function instanceView(view: InstanceView, veil: Veil): object {
  const { id, workflow, version, status, scopes, revision, createdAt, updatedAt } = view
  const { waitingFor, targetName, data, seqs, failure, retries, compensation, timers, deadline } = view
  const summary = summaryView({ id, workflow, version, status, scopes, revision, createdAt, updatedAt })
  return {
    ...summary,
    waitingFor,
    ...(targetName !== undefined && { targetName }),
    ...(timers.length > 0 && { timers: timers.map(({ at, ...timer }) => ({ ...timer, at: time(at) })) }),
    ...(deadline !== undefined && { deadline: time(deadline) }),
    ...(failure !== undefined && {
      failure: {
        builder: failure.builder,
        at: time(failure.at),
        ...(failure.attempt !== undefined && { attempt: failure.attempt }),
        ...saidView({ workflow, version }, failure.builder, failure, veil),
      },
    }),
    ...(retries.length > 0 && { retries: retries.map((retry) => troubleView({ workflow, version }, retry, veil)) }),
    ...(compensation !== undefined && { compensation: troubleView({ workflow, version }, compensation, veil) }),
    data: dataView({ workflow, version }, Object.entries(data), veil),
    seqs,
  }
}

export function resultView(result: Result, veil: Veil): object {
  const { id, workflow, version, scope, status, waitingFor, targetName, target, produced } = result
  const entries = produced.map(({ name, value }) => [name, value] as const)
  return {
    ...{ id, workflow, version, scope, status, waitingFor },
    ...(targetName !== undefined && {
      targetName,
      target: veil.hides(workflow, version, targetName) ? SENSITIVE : shown(target),
    }),
    produced: dataView({ workflow, version }, entries, veil),
  }
}

export function historyView(entry: HistoryEntry, { workflow, version }: Subject, veil: Veil): object {
  const { value, startedAt, endedAt, because, error, retryAt, ...rest } = entry
  const { builder, data, outcome } = entry
  // Of a restart or a rerun, whoever asked for it gave the reason.
  const speaks = (text: string): string =>
    builder === undefined || OPERATIONS.has(outcome) ? text : veil.textOf({ workflow, version, builder }, text)
  return {
    ...rest,
    ...(value !== undefined && {
      value: data === undefined || veil.hides(workflow, version, data) ? SENSITIVE : shown(value),
    }),
    ...(because !== undefined && { because: speaks(because) }),
    ...(error !== undefined && { error: saidView({ workflow, version }, builder, error, veil) }),
    ...(retryAt !== undefined && { retryAt: time(retryAt) }),
    startedAt: time(startedAt),
    endedAt: time(endedAt),
  }
}

export function explanationView(explanation: Explanation, veil: Veil): object {
  const { id, workflow, version, status, open, waitingFor, targets, builders, compensation, timers, deadline } =
    explanation
  const { unserved, mail } = explanation
  const speaks = (builder: string | undefined, text: string | undefined): object =>
    text === undefined
      ? {}
      : { because: builder === undefined ? text : veil.textOf({ workflow, version, builder }, text) }
  return {
    ...{ id, workflow, version, status, waitingFor, targets },
    ...(open !== undefined && { open }),
    ...(unserved !== undefined && { unserved }),
    ...(mail !== undefined && { mail: mail.map(({ since, ...each }) => ({ ...each, since: time(since) })) }),
    ...(compensation !== undefined && { compensation: troubleView({ workflow, version }, compensation, veil) }),
    builders: builders.map(({ because, error, lacks, retryAt, ...builder }) => ({
      ...builder,
      lacks: lacks.map(({ because, ...lack }) => ({ ...lack, ...speaks(lack.from, because) })),
      ...speaks(builder.name, because),
      ...(error !== undefined && { error: saidView({ workflow, version }, builder.name, error, veil) }),
      ...(retryAt !== undefined && { retryAt: time(retryAt) }),
    })),
    timers: timers.map(({ at, error, ...timer }) => ({
      ...timer,
      ...(at !== undefined && { at: time(at) }),
      ...(error !== undefined && { error: saidView({ workflow, version }, timer.name, error, veil) }),
    })),
    ...(deadline !== undefined && { deadline: time(deadline) }),
  }
}

export function differenceView({ data, ...rest }: InstanceDifference, subject: Subject, veil: Veil): object {
  return {
    ...rest,
    data: data.map(({ name, change, ...values }) => {
      return { name, change, ...dataOfOne(subject, name, values, veil) }
    }),
  }
}

/** Values of one data, by whatever they are called. */
function dataOfOne(
  { workflow, version }: Subject,
  name: string,
  values: { readonly before?: unknown; readonly after?: unknown },
  veil: Veil,
): object {
  const hidden = veil.hides(workflow, version, name)
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, hidden ? SENSITIVE : shown(value)]))
}

export function lineageView({ entry, side }: Relative): object {
  return { ...entryView(entry), inputs: entry.inputs, side }
}

export function runsView({ lastAt, entries, ...runs }: Runs): object {
  return { ...runs, attempts: runs.runs + runs.failures, lastAt: time(lastAt), entries: entries.map(entryView) }
}

/** An entry in short: without values and without words. */
function entryView({ seq, scope, pass, outcome, builder, data, attempt, startedAt, endedAt }: HistoryEntry): object {
  return {
    ...{ seq, scope, pass, outcome },
    ...(builder !== undefined && { builder }),
    ...(data !== undefined && { data }),
    ...(attempt !== undefined && { attempt }),
    ...{ startedAt: time(startedAt), endedAt: time(endedAt) },
  }
}

export function dataView(
  { workflow, version }: Subject,
  entries: readonly (readonly [string, unknown])[],
  veil: Veil,
): object {
  const members = Object.create(null) as Record<string, unknown>
  for (const [name, value] of entries) members[name] = veil.hides(workflow, version, name) ? SENSITIVE : shown(value)
  return members
}

interface Trouble {
  readonly builder?: string
  readonly error?: Said
  readonly retryAt?: number
}

/** What is tried again, and why. */
function troubleView(subject: Subject, { error, retryAt, ...rest }: Trouble, veil: Veil): object {
  return {
    ...rest,
    ...(retryAt !== undefined && { retryAt: time(retryAt) }),
    ...(error !== undefined && { error: saidView(subject, rest.builder, error, veil) }),
  }
}

/** An error without its stack. */
function saidView({ workflow, version }: Subject, builder: string | undefined, said: Said, veil: Veil): object {
  const { name, message, code } = said
  const speaker = builder === undefined ? undefined : { workflow, version, builder }
  return {
    name,
    ...(code !== undefined && { code }),
    message: speaker === undefined ? message : veil.textOf(speaker, message),
  }
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
