/** In a line or two: why the instance stands where it stands, and what would move it. */
import { dataId } from '../graph/model.ts'
import type { Shown } from '../pages/instance.tsx'
import { Icon } from '../ui/icons.tsx'
import { STATUS_LOOKS } from '../ui/status.tsx'
import { Name, Words } from '../ui/text.tsx'
import { Ago } from '../ui/time.tsx'
import { builderId } from '../graph/model.ts'

export function Callout({ shown }: { readonly shown: Shown }) {
  const { status } = shown.seen.instance
  const { tone, icon } = STATUS_LOOKS[status]
  return (
    <section class={`callout tone-${tone}`} aria-label="Where it stands" aria-live="polite">
      <Icon name={icon} />
      <div class="callout-text">
        <Sentence shown={shown} />
      </div>
    </section>
  )
}

function Sentence({ shown }: { readonly shown: Shown }) {
  const { instance, explained } = shown.seen
  switch (instance.status) {
    case 'running':
      return <p>A scope is under way{explained.open === undefined ? '.' : `: scope ${explained.open.scope}.`}</p>
    case 'completed':
      return (
        <p>
          Completed
          {instance.targetName === undefined ? (
            '.'
          ) : (
            <>
              {' '}
              by <Name strong text={instance.targetName} />.
            </>
          )}{' '}
          Feeding it opens it again.
        </p>
      )
    case 'cancelled':
      return <p>Cancelled: nothing runs any more, and nothing can be fed.</p>
    case 'failed':
      return <Failure shown={shown} />
    case 'retrying':
      return <Retries shown={shown} />
    case 'waiting':
      return <Waiting shown={shown} />
  }
}

function Failure({ shown: { seen, select } }: { readonly shown: Shown }) {
  const { failure } = seen.instance
  if (failure === undefined) return <p>It failed. What was fed is kept: resume goes on.</p>
  return (
    <>
      <p>
        <button type="button" class="link" onClick={() => select(builderId(failure.builder))}>
          <Name strong text={failure.builder} />
        </button>{' '}
        threw <Ago iso={failure.at} />. What was fed is kept: resume goes on, and so does the next datum.
      </p>
      <p class="said">
        <Words text={failure.message} />
      </p>
    </>
  )
}

function Retries({ shown: { seen, select } }: { readonly shown: Shown }) {
  return (
    <>
      {(seen.instance.retries ?? []).slice(0, 3).map(({ builder, attempt, retryAt, error }) => (
        <div key={builder}>
          <p>
            <button type="button" class="link" onClick={() => select(builderId(builder))}>
              <Name strong text={builder} />
            </button>{' '}
            failed at try {attempt} and is tried again <Ago iso={retryAt} />.
          </p>
          <p class="said">
            <Words text={error.message} />
          </p>
        </div>
      ))}
    </>
  )
}

function Waiting({ shown: { seen, graph, select } }: { readonly shown: Shown }) {
  const { instance, explained } = seen
  const reasons = explained.builders.filter(({ state, because }) => state === 'waitFor' && because !== undefined)
  const next = instance.timers?.[0]
  return (
    <>
      <p>
        {instance.waitingFor.length === 0 ? 'Waits for nothing that could be fed.' : 'Waits for '}
        {instance.waitingFor.slice(0, 12).map((name, index) => (
          <span key={name}>
            {index > 0 && ', '}
            {graph.nodes.some(({ id }) => id === dataId(name)) ? (
              <button type="button" class="link" onClick={() => select(dataId(name))}>
                <Name strong text={name} />
              </button>
            ) : (
              <Name strong text={name} />
            )}
          </span>
        ))}
        {instance.waitingFor.length > 12 && ` and ${instance.waitingFor.length - 12} more`}
        {next && (
          <>
            , or for the timer <Name strong text={next.name} />, which goes off <Ago iso={next.at} />
          </>
        )}
        .
      </p>
      {reasons.slice(0, 3).map(({ name, because = '' }) => (
        <p class="said" key={name}>
          <Name text={name} />: <Words text={because} />
        </p>
      ))}
    </>
  )
}
