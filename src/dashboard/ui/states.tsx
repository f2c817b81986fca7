/** What stands in the place of data that are not there: not yet, not at all, or not to be had. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Refusal, Unreachable } from '../api/client.ts'
import type { Loaded } from '../api/load.ts'
import { Icon } from './icons.tsx'
import type { IconName } from './icons.tsx'
import { Words } from './text.tsx'

interface BlankProps {
  readonly icon: IconName
  readonly title: string
  readonly children?: ComponentChildren
}

export function Blank({ icon, title, children }: BlankProps) {
  return (
    <div class="blank">
      <Icon name={icon} />
      <p class="blank-title">{title}</p>
      {children !== undefined && <div class="blank-text">{children}</div>}
    </div>
  )
}

/** Says nothing for a moment, so that quick answers do not flicker. */
export function Loading({ what }: { readonly what: string }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 250)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div class={late ? 'loading late' : 'loading'} role="status">
      {late ? `Loading ${what} …` : ''}
    </div>
  )
}

function Trouble({ error, retry }: { readonly error: Error; readonly retry?: () => void }) {
  const title =
    error instanceof Unreachable
      ? 'The service cannot be reached'
      : error instanceof Refusal && error.status === 404
        ? 'Not found'
        : 'This could not be loaded'
  return (
    <div role="alert">
      <Blank icon="alert" title={title}>
        <Words text={error.message} />
        {retry && (
          <p>
            <button type="button" class="button" onClick={retry}>
              Try again
            </button>
          </p>
        )}
      </Blank>
    </div>
  )
}

interface WithProps<T> {
  readonly of: Loaded<T>
  readonly what: string
  readonly children: (data: T) => ComponentChildren
}

/** What was loaded, or why it is not there. What was known once stays when the service is gone for a while. */
export function With<T>({ of: { data, error, reload }, what, children }: WithProps<T>) {
  const vanished = error instanceof Refusal && [404, 410].includes(error.status)
  if (data !== undefined && !vanished) return <>{children(data)}</>
  return error === undefined ? <Loading what={what} /> : <Trouble error={error} retry={reload} />
}
