/** Beside the graph: what a node is about, or, where none is chosen, what the instance waits for. */
import type { DataOfPlan, Entry, ExplainedBuilder } from '../api/wire.ts'
import { FeedForm } from '../form/feed.tsx'
import type { Node } from '../graph/model.ts'
import type { Face } from '../graph/view.tsx'
import type { Shown } from '../pages/instance.tsx'
import { PanelHead } from '../ui/panel-head.tsx'
import { Section } from '../ui/section.tsx'
import { Blank } from '../ui/states.tsx'
import { Pill } from '../ui/status.tsx'
import { count, Name, Words } from '../ui/text.tsx'
import { Ago, clock, took } from '../ui/time.tsx'
import { inShort, Value } from '../ui/value.tsx'
import { RerunButton } from './actions.tsx'
import { isRun, msOf, nodeOfData } from './faces.ts'
import { outcomeText } from './outcomes.ts'
import type { Seen } from './use-instance.ts'

interface PanelProps {
  readonly shown: Shown
  readonly selected: string | undefined
  readonly faces: ReadonlyMap<string, Face>
}

export function Panel({ shown, selected, faces }: PanelProps) {
  const node = shown.graph.nodes.find(({ id }) => id === selected)
  return (
    <aside class="panel card" aria-label={node ? `About ${node.name}` : 'What it waits for'}>
      {node ? <About key={node.id} shown={shown} node={node} face={faces.get(node.id)} /> : <Awaited shown={shown} />}
    </aside>
  )
}

function About({ shown, node, face }: { readonly shown: Shown; readonly node: Node; readonly face: Face | undefined }) {
  return (
    <>
      <PanelHead onClose={() => shown.select(undefined)}>
        <h2>
          <Name text={node.name} />
        </h2>
        {face && <Pill look={face.look} />}
      </PanelHead>
      {node.kind === 'data' ? <AboutData shown={shown} name={node.data} /> : <AboutBuilder shown={shown} node={node} />}
    </>
  )
}

function AboutData({ shown, name }: { readonly shown: Shown; readonly name: string }) {
  const { seen, plan } = shown
  const data = plan.data.find((each) => each.name === name)
  const there = Object.hasOwn(seen.instance.data, name)
  const fed = seen.entries.filter((entry) => entry.data === name)
  return (
    <>
      <Section title="Value">
        {there ? <Value value={seen.instance.data[name]} /> : <p class="muted">It has not been fed.</p>}
      </Section>
      {data && <Feed shown={shown} data={data} open={!there || seen.instance.waitingFor.includes(name)} />}
      {fed.length > 0 && <Runs title="Fed" entries={fed} />}
    </>
  )
}

/** Closed where it is not needed now, so that what is there is read first. */
function Feed({
  shown: { seen, reload },
  data,
  open,
}: {
  readonly shown: Shown
  readonly data: DataOfPlan
  readonly open: boolean
}) {
  const { id, workflow, status } = seen.instance
  if (!data.feedable || status === 'cancelled') return null
  return (
    <details class="section" open={open}>
      <summary>
        <h3>Feed {open ? '' : 'again'}</h3>
      </summary>
      <FeedForm workflow={workflow} id={id} data={data} subjects={subjectsOf(seen, data)} onFed={reload} />
    </details>
  )
}

const MOST_SUBJECTS = 20

/** What a datum may be given for, the current one first. */
function subjectsOf({ instance, entries }: Seen, { about }: DataOfPlan): { seq: number; label: string }[] {
  const current = about === undefined ? undefined : instance.seqs[about]
  return entries
    .filter(({ data, seq }) => data !== undefined && data === about && current !== undefined && seq <= current)
    .slice(-MOST_SUBJECTS)
    .reverse()
    .map(({ seq, endedAt }) => ({ seq, label: `#${seq} of ${clock(endedAt, Date.now())}` }))
}

function AboutBuilder({ shown, node }: { readonly shown: Shown; readonly node: Node }) {
  const { seen, plan } = shown
  const { instance, explained, entries } = seen
  const builder = plan.builders.find(({ name }) => name === node.name)
  const told = explained.builders.find(({ name }) => name === node.name)
  const runs = entries.filter((entry) => entry.builder === node.name && isRun(entry))
  const inputs = [...(builder?.consumes ?? []), ...(builder?.optionals ?? []), ...(builder?.accesses ?? [])]
  const product = plan.data.find(({ name }) => name === node.data)
  return (
    <>
      {told && <Told {...told} />}
      <Section title="Reads">
        {inputs.length === 0 ? (
          <p class="muted">Nothing: it is a source.</p>
        ) : (
          <Inputs
            shown={shown}
            names={inputs}
            optional={[...(builder?.optionals ?? []), ...(builder?.accesses ?? [])]}
          />
        )}
      </Section>
      <Section
        title={
          <>
            Makes <Name text={node.data} />
          </>
        }
      >
        {Object.hasOwn(instance.data, node.data) ? (
          <Value value={instance.data[node.data]} />
        ) : (
          <p class="muted">{product?.transient ? 'Transient: it is never stored.' : 'Not there yet.'}</p>
        )}
      </Section>
      {product && <Feed shown={shown} data={product} open={false} />}
      {node.kind === 'builder' && <RerunButton shown={shown} builder={node.name} />}
      {runs.length > 0 && <Runs title="Runs" entries={runs} />}
    </>
  )
}

/** What the builder said last. */
function Told({ because, error, attempt, retryAt, outdated }: ExplainedBuilder) {
  return (
    <>
      {because !== undefined && (
        <p class="said">
          <Words text={because} />
        </p>
      )}
      {error !== undefined && (
        <div class="error-box">
          <p>
            <strong>{error.code ?? error.name}</strong>
            {attempt !== undefined && ` at try ${attempt}`}
            {retryAt !== undefined && (
              <>
                {' '}
                · again <Ago iso={retryAt} />
              </>
            )}
          </p>
          <p>
            <Words text={error.message} />
          </p>
        </div>
      )}
      {outdated && <p class="said">Its inputs have changed since. It runs once only: a rerun renews its product.</p>}
    </>
  )
}

function Inputs({
  shown: { seen, graph, select },
  names,
  optional,
}: {
  readonly shown: Shown
  readonly names: readonly string[]
  readonly optional: readonly string[]
}) {
  return (
    <ul class="inputs">
      {names.map((name) => {
        const node = nodeOfData(graph, name)
        const there = Object.hasOwn(seen.instance.data, name)
        return (
          <li key={name}>
            <button type="button" class="input-row" disabled={node === undefined} onClick={() => select(node)}>
              <Name text={name} />
              {optional.includes(name) && <span class="field-optional">optional</span>}
              <bdi class={there ? 'input-value' : 'input-value zero'}>
                {there ? inShort(seen.instance.data[name], 60) : 'not there'}
              </bdi>
            </button>
          </li>
        )
      })}
    </ul>
  )
}

const FEW = 8

function Runs({ title, entries }: { readonly title: string; readonly entries: readonly Entry[] }) {
  const shown = entries.slice(-FEW).reverse()
  return (
    <Section title={`${title}${entries.length > FEW ? `, the last ${FEW} of ${count(entries.length)}` : ''}`}>
      <ol class="runs" reversed>
        {shown.map((entry) => (
          <li key={entry.seq} class={entry.outcome === 'failed' ? 'run ink-bad' : 'run'}>
            <span class="num muted">#{entry.seq}</span>
            <span>{outcomeText(entry)}</span>
            <span class="num">{entry.outcome === 'fed' ? '' : took(msOf(entry))}</span>
            <Ago iso={entry.endedAt} />
          </li>
        ))}
      </ol>
    </Section>
  )
}

function Awaited({ shown }: { readonly shown: Shown }) {
  const { seen, plan, reload } = shown
  const { instance } = seen
  const awaited = instance.waitingFor.flatMap((name) => plan.data.filter((data) => data.name === name && data.feedable))
  const others = plan.data.filter((data) => data.feedable && !awaited.includes(data))
  const closed = instance.status === 'cancelled'
  return (
    <>
      <header class="panel-head">
        <h2>{awaited.length > 0 && !closed ? 'Waits for' : 'Feed'}</h2>
      </header>
      {closed && (
        <Blank icon="stop" title="Cancelled">
          It takes no data any more.
        </Blank>
      )}
      {!closed &&
        awaited.map((data, index) => (
          <details class="section" key={data.name} open={index === 0}>
            <summary>
              <h3>
                <Name text={data.name} />
              </h3>
            </summary>
            <FeedForm
              workflow={instance.workflow}
              id={instance.id}
              data={data}
              subjects={subjectsOf(seen, data)}
              onFed={reload}
            />
          </details>
        ))}
      {!closed && others.length > 0 && (
        <section class="section">
          {awaited.length > 0 && <h3>Other data</h3>}
          <ul class="inputs">
            {others.map(({ name }) => {
              const there = Object.hasOwn(instance.data, name)
              return (
                <li key={name}>
                  <button type="button" class="input-row" onClick={() => shown.select(nodeOfData(shown.graph, name))}>
                    <Name text={name} />
                    <bdi class={there ? 'input-value' : 'input-value zero'}>
                      {there ? inShort(instance.data[name], 60) : 'not fed'}
                    </bdi>
                  </button>
                </li>
              )
            })}
          </ul>
        </section>
      )}
    </>
  )
}
