/** What an operation would run, as the service foresees it. */
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { Loaded } from '../api/load.ts'
import type { Shown } from '../pages/instance.tsx'
import { Icon } from '../ui/icons.tsx'
import { With } from '../ui/states.tsx'
import { Name, plural, Words } from '../ui/text.tsx'
import { Names } from './confirm.tsx'

interface Foreseen {
  readonly possible: boolean
  readonly because?: readonly { readonly message: string }[]
  /** Run at once. */
  readonly due?: readonly string[]
  /** Those, and all that would or could run after them. */
  readonly wouldRun?: readonly string[]
}

export function useAhead(shown: Shown, query: Readonly<Record<string, string>>): Loaded<Foreseen> {
  const { id, revision } = shown.seen.instance
  const path = at(['instances', id, 'preview'], query)
  // Whatever happens meanwhile may change what there is to run.
  return useLoad(`${path} ${revision}`, (signal) => ask<Foreseen>(path, { signal }))
}

export function Ahead({ of, nothing }: { readonly of: Loaded<Foreseen>; readonly nothing: string }) {
  return (
    <With of={of} what="what would run">
      {({ possible, because = [], due = [], wouldRun = [] }) => {
        if (!possible) return because.map(({ message }) => <Words key={message} text={message} />)
        const after = wouldRun.filter((name) => !due.includes(name))
        if (wouldRun.length === 0) return <p>{nothing}</p>
        return (
          <>
            {due.length > 0 && <p>{plural(due.length, 'builder')} will run:</p>}
            <Names names={due} />
            {after.length > 0 && <p>And after {due.length > 0 ? 'them' : 'that'}, as far as the data reach:</p>}
            <Names names={after} />
          </>
        )
      }}
    </With>
  )
}

interface OnceProps {
  readonly shown: Shown
  readonly names: readonly string[] | undefined
}

/** Charging a card twice is what nobody shall do by accident. */
export function OnceWarning({ shown: { plan }, names = [] }: OnceProps) {
  const once = plan.builders.filter(({ name, once }) => once && names.includes(name)).map(({ name }) => name)
  if (once.length === 0) return null
  return (
    <p class="warning">
      <Icon name="alert" />
      <span>
        <Name strong text={once.join(', ')} /> {once.length === 1 ? 'is' : 'are'} to run once only. What was done may be
        done a second time, under a new idempotency key.
      </span>
    </p>
  )
}
