/** Beside the graph of a workflow: what a builder is, or what the version is about. */
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { Builder, BuilderStanding, Overview, VersionOverview } from '../api/wire.ts'
import { builderId, nameOf } from '../graph/model.ts'
import type { ShownWorkflow } from '../pages/workflow.tsx'
import { href } from '../router.ts'
import { PanelHead } from '../ui/panel-head.tsx'
import { Section } from '../ui/section.tsx'
import { OPEN_STATUSES, STATE_LOOKS } from '../ui/status.tsx'
import type { NodeState } from '../ui/status.tsx'
import { count, Name, plural, Words } from '../ui/text.tsx'
import { took } from '../ui/time.tsx'
import { UpgradeButton } from './upgrade.tsx'

interface PanelProps {
  readonly shown: ShownWorkflow
  readonly selected: string | undefined
}

export function WorkflowPanel({ shown, selected }: PanelProps) {
  const name = selected === undefined ? undefined : nameOf(selected)
  const builder =
    selected === undefined ? undefined : shown.plan.builders.find((each) => builderId(each.name) === selected)
  return (
    <aside class="panel card" aria-label={name === undefined ? 'About this version' : `About ${name}`}>
      <PanelHead onClose={name === undefined ? undefined : () => shown.select(undefined)}>
        <h2>{name === undefined ? `Version ${shown.plan.version}` : <Name text={name} />}</h2>
      </PanelHead>
      {name === undefined ? (
        <AboutVersion shown={shown} />
      ) : builder === undefined ? (
        <AboutData shown={shown} name={name} />
      ) : (
        <AboutBuilder shown={shown} builder={builder} />
      )}
    </aside>
  )
}

function AboutVersion({ shown }: { readonly shown: ShownWorkflow }) {
  const { plan, differences, other } = shown
  const overview = useLoad('overview', (signal) => ask<Overview>(at(['overview']), { signal }), 5_000)
  const counted = overview.data?.workflows.find(({ workflow }) => workflow === plan.workflow)?.versions ?? []
  return (
    <>
      {differences !== undefined && (
        <Section title={`Otherwise than in version ${other ?? ''}`}>
          {differences.same && <p class="muted">The graphs are the same.</p>}
          <ul class="sentences">
            {differences.sentences.map((sentence) => (
              <li key={sentence}>
                <Words text={sentence} />
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section title="Ends with">
        <NameList names={plan.targets} />
      </Section>
      <Section title="Is fed">
        <NameList names={plan.inputs} />
      </Section>
      {counted.length > 0 && (
        <Section title="Open instances">
          <ul class="pairs">
            {counted.map((version) => (
              <OpenOf key={version.version} workflow={plan.workflow} version={version} />
            ))}
          </ul>
          {counted.some(({ version, open }) => version === plan.version && open > 0) && (
            <UpgradeButton workflow={plan.workflow} version={plan.version} versions={shown.versions} />
          )}
        </Section>
      )}
    </>
  )
}

function OpenOf({
  workflow,
  version: { version, open, served },
}: {
  readonly workflow: string
  readonly version: VersionOverview
}) {
  const to = href(['instances'], { workflow, version: String(version), status: OPEN_STATUSES.join(',') })
  return (
    <li>
      <span>
        v{version}
        {!served && <span class="tag">not served</span>}
      </span>
      {open === 0 ? (
        <span class="zero num">none</span>
      ) : (
        <a class="num" href={to}>
          {count(open)}
        </a>
      )}
    </li>
  )
}

function NameList({ names }: { readonly names: readonly string[] }) {
  return (
    <ul class="names">
      {names.map((name) => (
        <li key={name}>
          <Name text={name} />
        </li>
      ))}
    </ul>
  )
}

function AboutData({ shown: { plan, standing }, name }: { readonly shown: ShownWorkflow; readonly name: string }) {
  const data = plan.data.find((each) => each.name === name)
  const waiting = standing.data?.waitingFor.find((each) => each.data === name)?.count ?? 0
  const { workflow, version } = plan
  return (
    <>
      <Section title="Waiting for it">
        <p>
          {waiting === 0 ? (
            'No instance that was looked at.'
          ) : (
            <a href={href(['instances'], { workflow, version: String(version), waitingFor: name })}>
              {plural(waiting, 'instance')}
            </a>
          )}
        </p>
      </Section>
      <Section title="What it is">
        <p>
          {data?.sensitive ? 'Sensitive: its values stay on the server. ' : ''}
          {data?.feedable ? 'It can be fed from outside.' : 'It cannot be fed from outside.'}
        </p>
      </Section>
    </>
  )
}

function AboutBuilder({
  shown: { plan, standing },
  builder,
}: {
  readonly shown: ShownWorkflow
  readonly builder: Builder
}) {
  const figures = standing.data?.builders.find(({ name }) => name === builder.name)
  const parts = [
    ['Consumes', builder.consumes],
    ['Takes if it is there', builder.optionals],
    ['Looks at', builder.accesses],
    ['Makes', [builder.produces]],
    ['Services', builder.services],
  ] as const
  return (
    <>
      {figures && <Figures figures={figures} />}
      {parts
        .filter(([, names]) => names.length > 0)
        .map(([title, names]) => (
          <Section key={title} title={title}>
            <NameList names={names} />
          </Section>
        ))}
      <Section title="Rules">
        <ul class="sentences">
          {rulesOf(builder).map((rule) => (
            <li key={rule}>{rule}</li>
          ))}
        </ul>
        {plan.unreachable.includes(builder.name) && (
          <p class="muted">No way leads from it to a target: it runs for its effects.</p>
        )}
      </Section>
    </>
  )
}

function rulesOf({ once, pure, cutoff, version, timeout, retry, fallback, timer }: Builder): string[] {
  return [
    `Version ${version}`,
    ...(timer ? [`A timer: ${timer.when}`] : []),
    ...(once ? ['Runs once only'] : []),
    ...(pure ? ['Pure: has no effects'] : []),
    ...(cutoff ? ['A product that is the same wakes nobody'] : []),
    ...(timeout === undefined ? [] : [`A try may take ${took(timeout)}`]),
    ...(retry === undefined ? [] : [`Up to ${retry.attempts} tries, the first pause ${took(retry.initial)}`]),
    ...(fallback ? ['Has a fallback'] : []),
  ]
}

const STANDS = ['failed', 'retrying', 'waitFor', 'due', 'lacking', 'done'] as const satisfies readonly NodeState[]

function Figures({ figures: { states, runs, failures, ms } }: { readonly figures: BuilderStanding }) {
  return (
    <>
      <Section title="In open instances">
        <ul class="pairs">
          {STANDS.filter((state) => states[state] > 0).map((state) => (
            <li key={state}>
              <span>{STATE_LOOKS[state].label}</span>
              <span class="num">{count(states[state])}</span>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Lately">
        <ul class="pairs">
          <li>
            <span>Runs</span>
            <span class="num">{count(runs)}</span>
          </li>
          <li>
            <span>Failures</span>
            <span class={failures > 0 ? 'num ink-bad' : 'num'}>{count(failures)}</span>
          </li>
          {ms && (
            <li>
              <span>Took: half, most, longest</span>
              <span class="num">
                {took(ms.p50)} · {took(ms.p95)} · {took(ms.max)}
              </span>
            </li>
          )}
        </ul>
      </Section>
    </>
  )
}
