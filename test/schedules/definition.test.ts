import { builder, data, Polaris, type, workflow } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { schedule } from 'polaris-workflow/schedules'
import { describe, expect, it } from 'vitest'
import { thrown } from '../support/lab.ts'

const Day = data('Day', type<string>())
const Other = data('Other', type<string>())
const Report = data('Report', type<string>())
const report = workflow({
  name: 'report',
  builders: [builder({ name: 'write', consumes: { day: Day }, produces: Report, process: ({ day }) => day })],
  target: Report,
})
const good = { name: 'nightly', workflow: report, cron: '0 3 * * *' }
const problemsOf = (definition: unknown): string => thrown(() => schedule(definition as never), 'GRAPH_INVALID').message

describe('a schedule is refused', () => {
  it.each([
    ['x', 'five, six'],
    ['', 'five, six'],
    ['* * * *', 'five, six'],
    ['61 * * * *', 'minute'],
    ['0 0 30 2 *', 'no moment ever matches it'],
    ['0 0 0 1 1 * 1969', 'no moment ever matches it'],
    ['2030-01-01T00:00:00', 'a date is no cron expression'],
    [17, 'it is no text'],
    [undefined, 'it is no text'],
  ])('with the expression %o', (cron, why) => {
    const message = problemsOf({ ...good, cron })
    expect(message).toContain("Schedule 'nightly' has a problem")
    expect(message).toContain("'cron' must be an expression such as '0 3 * * 1-5'")
    expect(message).toContain(why)
  })

  it.each(['Mars/Olympus', '', 'Europe/Berlin ', 2, null])('with the time zone %o', (timeZone) => {
    expect(problemsOf({ ...good, timeZone })).toContain("'timeZone' must name a zone of the IANA database")
  })

  it('with everything that is wrong at once', () => {
    const bad = { name: ' ', workflow: {}, cron: 'often', timeZone: 'Here', delta: 1, missed: 'some', grace: 'x' }
    const message = problemsOf({ ...bad, within: 0, atMost: 0, timezone: 'UTC' })
    for (const word of ['name', 'workflow', 'cron', 'timeZone', 'delta', 'missed', 'grace', 'within', 'atMost']) {
      expect(message).toContain(word)
    }
    expect(message).toContain("did you mean 'timeZone'?")
    expect(message).toContain('10 problems')
  })

  it.each([null, 'nightly', undefined])('that is %o', (given) => {
    expect(problemsOf(given)).toContain('it is defined by an object')
  })

  it('by a Polaris that does not know its workflow, has another one of its name, or no store', () => {
    const polaris = new Polaris({ store: memoryStore() })
    thrown(() => polaris.schedule(schedule(good)), 'WORKFLOW_NOT_FOUND')
    polaris.register(report)
    const nightly = schedule(good)
    polaris.schedule(nightly).schedule(nightly)
    expect(thrown(() => polaris.schedule(schedule(good)), 'GRAPH_INVALID').message).toContain("Schedule 'nightly'")
    thrown(() => polaris.schedule({ ...nightly }), 'OPTION_INVALID')
    thrown(() => new Polaris({}).register(report).schedule(nightly), 'STORE_INVALID')
  })
})

describe('a schedule', () => {
  it('is a plain object that tells its next ticks', () => {
    const nightly = schedule({ ...good, timeZone: 'Europe/Berlin' })
    expect(nightly).toMatchObject({ kind: 'schedule', ...good, timeZone: 'Europe/Berlin', missed: 'last' })
    expect(Object.isFrozen(nightly)).toBe(true)
    expect(nightly.next(new Date('2030-03-30T02:00Z'), 2)).toEqual([
      new Date('2030-03-31T01:00Z'),
      new Date('2030-04-01T01:00Z'),
    ])
    expect(nightly.next(Date.UTC(2030, 0))).toEqual([new Date('2030-01-01T02:00Z')])
    const once = schedule({ ...good, cron: '0 0 0 1 1 * 2031' })
    expect(once.next(Date.UTC(2030, 0), 3)).toEqual([new Date('2031-01-01T00:00Z')])
    expect(once.next(Date.UTC(2032, 0))).toEqual([])
  })

  it('is fed data of its workflow, as the compiler checks', () => {
    schedule({ ...good, delta: ({ at }) => Day(at.toISOString()) })
    schedule({ ...good, delta: ({ id }) => [Day(id), Report('known')] })
    // @ts-expect-error -- the workflow has no such data
    schedule({ ...good, delta: () => Other('x') })
    // @ts-expect-error -- a tick has no such member
    schedule({ ...good, delta: ({ when }) => Day(String(when)) })
    // @ts-expect-error -- a forgotten return
    schedule({ ...good, delta: () => undefined })
  })
})
