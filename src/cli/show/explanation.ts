/** Why an instance stands where it stands, for people. Pure. */
import type { BuilderState, Explanation } from '../api/views.ts'
import { builderState } from '../draw/states.ts'
import { line, padded, span, widthOf, wrapped } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { distanceText } from '../term/time.ts'
import { standsLine } from './outcome.ts'

export function explanationLines(explanation: Explanation, width: number, now: number): Line[] {
  const { open, targets, builders, timers = [], deadline, compensation, unserved, mail = [] } = explanation
  const names = Math.max(0, ...builders.map(({ name }) => widthOf(name)), ...timers.map(({ name }) => widthOf(name)))
  const wanted = new Set(explanation.waitingFor)
  return [
    standsLine({ ...explanation, waitingFor: toBeFed(explanation) }),
    ...(unserved === true ? unservedLines(explanation) : []),
    ...mail.flatMap((each) => mailLines(each, width, now)),
    ...(open === undefined ? [] : [line(span(`  scope ${open.scope} is under way (${open.mode})`, 'cyan'))]),
    ...(deadline === undefined ? [] : [line(`  its time ends ${distanceText(deadline, now)}`)]),
    ...(compensation === undefined ? [] : [compensationLine(compensation)]),
    ...targets.map(targetLine),
    line(''),
    ...builders.flatMap((builder) => builderLines(builder, { names, wanted, width, now })),
    ...timers.map(({ name, state, when, at }) => {
      const goes = at === undefined ? '' : `, ${distanceText(at, now)}`
      return line(`  ◷ ${padded(name, names)}  `, span(`${when}: ${state}${goes}`, state === 'set' ? 'yellow' : 'dim'))
    }),
  ]
}

/** A failed instance lacks its target, if nothing else; nobody is to feed that. */
function toBeFed({ status, waitingFor, targets }: Explanation): readonly string[] {
  if (status !== 'failed') return waitingFor
  return waitingFor.filter((data) => !targets.some(({ name }) => name === data))
}

/** Nobody whom this was asked can go on with it; somebody else may. */
function unservedLines({ workflow, version }: Explanation): Line[] {
  const said = `  nobody here serves version ${version} of ${workflow}: it goes on where that is served`
  return [line(span(`${said}, or once it was moved (polaris preview)`, 'magenta'))]
}

function mailLines(
  { scope, since, version, stuck }: NonNullable<Explanation['mail']>[number],
  width: number,
  now: number,
): Line[] {
  const said = `  data wait for their turn as scope ${scope}, fed ${distanceText(since, now)} to version ${version}`
  const why = stuck === undefined ? [] : wrapped(`they are stuck: ${stuck}`, Math.max(20, width - 6), '')
  return [line(span(said, 'cyan')), ...why.map((each) => line(span(`      ${each}`, 'red')))]
}

function compensationLine({ done, left, builder }: NonNullable<Explanation['compensation']>): Line {
  const next = builder === undefined ? '' : `, ${builder} is next`
  return line(span(done ? '  what it did is undone' : `  what it did is being undone: ${left} left${next}`, 'magenta'))
}

function targetLine({ name, state, because, waitingFor }: Explanation['targets'][number]): Line {
  if (state === 'present') return line('  target ', span(name, 'bold'), span(' is there', 'green'))
  const why = state === 'stale' ? ` is outdated, since ${because.join(', ')} ran and did not renew it` : ' is not there'
  // That it lacks itself goes without saying.
  const lacking = waitingFor.filter((data) => data !== name)
  const lacks = lacking.length === 0 ? '' : `; it lacks ${lacking.join(', ')}`
  return line('  target ', span(name, 'bold'), span(why + lacks, 'yellow'))
}

interface Layout {
  readonly names: number
  readonly wanted: ReadonlySet<string>
  readonly width: number
  readonly now: number
}

function builderLines(builder: BuilderState, { names, wanted, width, now }: Layout): Line[] {
  const { sign, style, text } = builderState(builder, undefined, wanted, now)
  const room = Math.max(20, width - names - 6)
  const reasons = builder.lacks.flatMap(({ data, from, because }) => {
    if (from === undefined) return wanted.has(data) ? [`${data} is to be fed`] : []
    return because === undefined ? [] : [`${data} would come from ${from}, which says: ${because}`]
  })
  const [first = '', ...rest] = [text, ...reasons].flatMap((each) => wrapped(each, room, '  '))
  const indent = ' '.repeat(names + 6)
  return [
    line('  ', span(`${sign} ${padded(builder.name, names)}`, style), '  ', span(first, style)),
    ...rest.map((each) => line(indent, span(each, 'dim'))),
  ]
}
