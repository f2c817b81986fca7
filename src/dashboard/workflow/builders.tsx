/** Which builders are slow, which fail, and where instances stand: as a table that can be sorted. */
import { useState } from 'preact/hooks'
import type { BuilderStanding } from '../api/wire.ts'
import { builderId } from '../graph/model.ts'
import type { ShownWorkflow } from '../pages/workflow.tsx'
import { Blank, With } from '../ui/states.tsx'
import { count, Name } from '../ui/text.tsx'
import { clock, took } from '../ui/time.tsx'
import { standingAt } from './faces.ts'

type Measure = (builder: BuilderStanding) => number

const COLUMNS: readonly (readonly [name: string, title: string, measure: Measure, text: (value: number) => string])[] =
  [
    ['stand', 'Instances here', standingAt, count],
    ['failures', 'Failures', ({ failures }) => failures, count],
    ['runs', 'Runs', ({ runs }) => runs, count],
    ['p50', 'Half took', ({ ms }) => ms?.p50 ?? -1, took],
    ['p95', '95 % took', ({ ms }) => ms?.p95 ?? -1, took],
    ['max', 'Longest', ({ ms }) => ms?.max ?? -1, took],
  ]

export function BuilderFigures({ shown: { standing, select } }: { readonly shown: ShownWorkflow }) {
  const [by, setBy] = useState('p95')
  const measure = COLUMNS.find(([name]) => name === by)?.[2] ?? standingAt
  return (
    <section class="figures-part">
      <h2>Builders, by figures</h2>
      <With of={standing} what="the figures">
        {({ builders, asOf, open, recent }) =>
          builders.length === 0 ? (
            <Blank icon="dot" title="There are no builders" />
          ) : (
            <>
              <p class="muted">
                As of <span class="num">{clock(asOf, Date.now())}</span>, over {count(open.looked)} open instances
                {!open.complete && ' (a sample)'} and the runs of the {count(recent.looked)} newest.
              </p>
              <div class="card scroll" role="region" tabIndex={0} aria-label="Builders by figures">
                <table class="table figures">
                  <thead>
                    <tr>
                      <th scope="col">Builder</th>
                      {COLUMNS.map(([name, title]) => (
                        <th key={name} scope="col" class="right" aria-sort={name === by ? 'descending' : undefined}>
                          <button
                            type="button"
                            class={name === by ? 'sort sorted' : 'sort'}
                            onClick={() => setBy(name)}
                          >
                            {title}
                          </button>
                        </th>
                      ))}
                    </tr>
                  </thead>
                  <tbody>
                    {[...builders]
                      .sort((a, b) => measure(b) - measure(a))
                      .map((builder) => (
                        <Row key={builder.name} builder={builder} select={select} />
                      ))}
                  </tbody>
                </table>
              </div>
            </>
          )
        }
      </With>
    </section>
  )
}

function Row({ builder, select }: { readonly builder: BuilderStanding; readonly select: ShownWorkflow['select'] }) {
  return (
    <tr>
      <th scope="row">
        <button type="button" class="link" onClick={() => select(builderId(builder.name))}>
          <Name text={builder.name} />
        </button>
      </th>
      {COLUMNS.map(([name, , measure, text]) => {
        const value = measure(builder)
        const tone = name === 'failures' && value > 0 ? ' ink-bad' : ''
        return (
          <td key={name} class={`right${tone}`}>
            {value < 0 ? <span class="zero">–</span> : value === 0 ? <span class="zero">{text(0)}</span> : text(value)}
          </td>
        )
      })}
    </tr>
  )
}
