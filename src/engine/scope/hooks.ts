import type { AnyBuilder } from '../../graph/builder.ts'
import type { Datum } from '../../graph/data.ts'
import { checkOption } from '../../graph/naming.ts'
import type { Mode } from '../../stores/contract.ts'
import { isThenable } from '../awaitable.ts'
import type { Telemetry } from './telemetry.ts'

/** What a hook is told about the run. */
export interface HookInfo {
  readonly id: string
  readonly workflow: string
  readonly version: number
  readonly scope: number
  readonly pass: number
  readonly mode: Mode
  readonly meta: Readonly<Record<string, unknown>>
}

/**
 * Called around each builder, in the process that runs it. Hooks look, they do not steer: nobody waits for a promise they
 * return, and what they throw goes to `onError`.
 */
export interface Hooks {
  /** Before a builder starts. `delta` is what the call fed. */
  readonly before?: (builder: AnyBuilder, delta: readonly Datum[], info: HookInfo) => unknown
  /** After a builder ended without a throw, before its product is durable. `produced` is absent if it gave nothing. */
  readonly after?: (builder: AnyBuilder, produced: Datum | undefined, info: HookInfo) => unknown
  /** What a hook threw, or rejected with. What this one throws is lost. */
  readonly onError?: (
    error: unknown,
    where: HookInfo & { readonly builder: string; readonly hook: 'before' | 'after' },
  ) => unknown
}

/** Hooks, and what the `Polaris` watches its scopes with. */
export interface Watching extends Hooks {
  readonly telemetry?: Telemetry | undefined
}

/** @throws `OPTION_INVALID` */
export function checkHooks(hooks: Hooks): void {
  for (const hook of ['before', 'after', 'onError'] as const) {
    checkOption(hook, hooks[hook] === undefined || typeof hooks[hook] === 'function', 'a function', hooks[hook])
  }
}

export function callHook<Subject>(
  hooks: Hooks,
  hook: 'before' | 'after',
  builder: AnyBuilder,
  subject: Subject,
  info: HookInfo,
  call: (builder: AnyBuilder, subject: Subject, info: HookInfo) => unknown,
): void {
  try {
    const answer = call(builder, subject, info)
    if (isThenable(answer)) answer.then(undefined, (error: unknown) => report(hooks, error, hook, builder, info))
  } catch (error) {
    report(hooks, error, hook, builder, info)
  }
}

function report(hooks: Hooks, error: unknown, hook: 'before' | 'after', builder: AnyBuilder, info: HookInfo): void {
  try {
    const answer = hooks.onError?.(error, { ...info, builder: builder.name, hook })
    if (isThenable(answer)) answer.then(undefined, () => undefined)
  } catch {
    // Nobody is left to tell.
  }
}
