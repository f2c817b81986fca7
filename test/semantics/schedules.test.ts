import { builder, data, type, workflow } from 'polaris-workflow'
import type { DataStore, Polaris } from 'polaris-workflow'
import { schedule } from 'polaris-workflow/schedules'
import { describe, expect, it } from 'vitest'
import { deferred } from '../support/lab.ts'
import { silenced } from '../support/mortal.ts'
import { eachSimulated } from '../support/simulated.ts'
import { unobserved } from '../support/timed.ts'

const Day = data('Day', type<string>())
const Report = data('Report', type<string>())
const write = builder({
  ...{ name: 'write', consumes: { day: Day }, produces: Report },
  process: ({ day }) => `report of ${day}`,
})
const report = workflow({ name: 'report', builders: [write], target: Report })
const brief = workflow({ name: 'report', builders: [write], target: Report, retention: { completed: '1m' } })

const dayOf = (at: Date) => Day(at.toISOString().slice(0, 16))
const hourly = { name: 'hourly', workflow: report, cron: '0 * * * *', delta: ({ at }: { at: Date }) => dayOf(at) }

async function idsOf(polaris: Polaris): Promise<string[]> {
  const { items } = await polaris.list({ limit: 1_000 })
  return items.map(({ id }) => id.replace(/:00\.000Z$/, '')).toSorted()
}

/** Every instance was started by one delta. */
async function expectOnce(polaris: Polaris): Promise<void> {
  for (const { id } of (await polaris.list({ limit: 1_000 })).items) {
    const fed = (await polaris.history(id)).filter(({ outcome }) => outcome === 'fed')
    expect(fed, id).toHaveLength(1)
  }
}

eachSimulated((world) => {
  describe('a schedule', () => {
    it('starts an instance at each of its times, fed with what is made of the time', async () => {
      const { clock, process } = world(report)
      const polaris = process().schedule(schedule(hourly))
      const start = clock.now()
      await clock.advance('3h')
      expect(await idsOf(polaris)).toEqual([
        'hourly@2030-01-01T01:00',
        'hourly@2030-01-01T02:00',
        'hourly@2030-01-01T03:00',
      ])
      const view = await polaris.get('hourly@2030-01-01T02:00:00.000Z')
      expect(view).toMatchObject({ status: 'completed', createdAt: start + 2 * 3_600_000 })
      expect(view?.latest(Report)).toBe('report of 2030-01-01T02:00')
      const [fed] = await polaris.history('hourly@2030-01-01T02:00:00.000Z')
      expect(fed?.meta).toEqual({ schedule: 'hourly', tick: '2030-01-01T02:00:00.000Z' })
      expect(await polaris.schedules()).toEqual([
        {
          ...{ name: 'hourly', workflow: 'report', cron: '0 * * * *', timeZone: 'UTC' },
          last: clock.now(),
          next: clock.now() + 3_600_000,
        },
      ])
    })

    it('has missed nothing before a worker saw it for the first time', async () => {
      const { clock, process, idle } = world(report)
      const waiting = idle().schedule(schedule({ ...hourly, missed: 'all' }))
      await clock.advance('5h')
      expect((await waiting.schedules())[0]?.last).toBeUndefined()
      const polaris = process().schedule(schedule({ ...hourly, missed: 'all' }))
      await clock.advance('1h')
      expect(await idsOf(polaris)).toEqual(['hourly@2030-01-01T06:00'])
    })

    it('starts each tick once, however many workers there are, and whoever dies', async () => {
      const { clock, process } = world(report)
      const [one, two, three] = [process(), process(), process()]
      one.worker().start()
      for (const polaris of [one, two, three]) polaris.schedule(schedule(hourly))
      await clock.advance('6h')
      await three.close()
      await clock.advance('6h')
      expect(await idsOf(one)).toHaveLength(12)
      await expectOnce(one)
    })

    it.each(['unsent', 'answer lost'] as const)(
      'starts a tick once though the process dies after that, with the record %s',
      async (how) => {
        const { clock, process, idle, abandon } = world(report)
        const first = process().schedule(schedule(hourly))
        await clock.advance('1m')
        await first.close()
        let died = false
        const dying = (store: DataStore): DataStore => ({
          ...silenced(store, () => died),
          async setMeta(record, expected) {
            if (record.kind !== 'schedule') return store.setMeta(record, expected)
            died = true
            if (how === 'answer lost') await store.setMeta(record, expected)
            return new Promise<never>(() => undefined)
          },
        })
        const victim = idle({ clock: unobserved(clock), through: (store) => dying(clock.observe(store)) })
        abandon(victim)
        victim.schedule(schedule(hourly)).worker().start()
        await clock.advance('1h')
        expect(died).toBe(true)
        const polaris = process().schedule(schedule(hourly))
        expect(await idsOf(polaris)).toEqual(['hourly@2030-01-01T01:00'])
        await clock.advance('1h')
        expect(await idsOf(polaris)).toEqual(['hourly@2030-01-01T01:00', 'hourly@2030-01-01T02:00'])
        await expectOnce(polaris)
        expect((await polaris.get('hourly@2030-01-01T01:00:00.000Z'))?.status).toBe('completed')
      },
    )

    it('is not set back by a process that was slow to start a tick', async () => {
      const { clock, process, idle } = world(report)
      const first = process().schedule(schedule(hourly))
      await clock.advance('1m')
      await first.close()
      const gate = deferred()
      let held = 0
      const noted: boolean[] = []
      const holding = (store: DataStore): DataStore => ({
        ...store,
        async append(appends) {
          held++
          await gate.promise
          return store.append(appends)
        },
        async setMeta(record, expected) {
          const written = await store.setMeta(record, expected)
          if (record.kind === 'schedule') noted.push(written.ok)
          return written
        },
      })
      const slow = idle({ clock: unobserved(clock), through: (store) => holding(clock.observe(store)) })
      slow.schedule(schedule(hourly)).worker().start()
      await clock.advance('1h')
      expect(held).toBe(1)
      const polaris = process().schedule(schedule(hourly))
      await clock.advance('2h')
      gate.resolve()
      await clock.advance('1m')
      expect(noted[0]).toBe(false)
      expect((await polaris.schedules())[0]?.last).toBe(Date.UTC(2030, 0, 1, 3))
      expect(await idsOf(polaris)).toHaveLength(3)
      await expectOnce(polaris)
    })

    it('does not start a tick anew whose instance has ended and is gone', async () => {
      const { clock, process, store } = world(brief)
      const polaris = process().schedule(schedule({ ...hourly, workflow: brief }))
      await clock.advance('90m')
      expect(await idsOf(polaris)).toEqual([])
      // As a process leaves it that was stopped before it could note down what it had done.
      const record = await store().meta('schedule', 'hourly')
      const before = { ...record, kind: 'schedule', key: 'hourly', expiresAt: null }
      await store().setMeta(
        { ...before, revision: 9, value: JSON.stringify({ last: clock.now() - 7_200_000 }) },
        record?.revision ?? null,
      )
      const late = process().schedule(schedule({ ...hourly, workflow: brief }))
      await clock.advance('1s')
      expect(
        (await late.list({ status: ['completed', 'running', 'deleted'] })).items.map(({ status }) => status),
      ).toEqual(['deleted'])
      expect((await late.schedules())[0]?.last).toBe(Date.UTC(2030, 0, 1, 1))
    })
  })

  describe('ticks that nobody was there for', () => {
    it('are started as the policy of each schedule says', async () => {
      const policies: [string, object, string[]][] = [
        ['a', {}, ['03:00']],
        ['b', { missed: 'last' }, ['03:00']],
        ['c', { missed: 'skip' }, []],
        ['d', { missed: 'skip', grace: '20m' }, ['03:00']],
        ['e', { missed: 'all' }, ['01:00', '02:00', '03:00']],
        ['f', { missed: 'all', atMost: 2 }, ['02:00', '03:00']],
        ['g', { missed: 'all', within: '80m' }, ['02:00', '03:00']],
        ['h', { missed: 'last', within: '5m' }, []],
        // The one of half past is in time, and enough.
        ['i', { missed: 'last', cron: '0,10 * * * *' }, ['03:10']],
        ['j', { missed: 'last', grace: '5m', cron: '0,8,10 * * * *' }, ['03:08', '03:10']],
      ]
      const { clock, process } = world(report)
      const schedules = policies.map(([name, options]) => schedule({ ...hourly, name, ...options }))
      const first = process().schedule(...schedules)
      await clock.advance('1m')
      await first.close()
      await clock.jump('3h9m30s')
      const polaris = process().schedule(...schedules)
      await clock.advance('1s')
      const started = (await idsOf(polaris)).map((id) => [id[0], id.slice(-5)])
      const of = (wanted: string): unknown[] => started.filter(([name]) => name === wanted).map(([, time]) => time)
      for (const [name, , expected] of policies) expect(of(name), name).toEqual(expected)
      await clock.advance('50m')
      expect((await idsOf(polaris)).filter((id) => id.endsWith('04:00'))).toHaveLength(policies.length)
      await expectOnce(polaris)
    })
  })

  describe('a tick whose delta cannot be made', () => {
    it('is told to the worker and tried again, and the ones before it stand; other schedules go on', async () => {
      const { clock, process } = world(report)
      const troubles: unknown[] = []
      let broken = true
      const fragile = schedule({
        ...{ name: 'fragile', workflow: report, cron: '0 * * * *', missed: 'all' },
        delta({ at }) {
          if (broken && at.getUTCHours() === 2) throw new Error('no such day')
          return [dayOf(at)]
        },
      })
      const steady = schedule({ ...hourly, missed: 'all' })
      const first = process().schedule(fragile, steady)
      await clock.advance('1m')
      await first.close()
      await clock.jump('2h9m')
      const polaris = process({ worker: { onTrouble: (error) => troubles.push(error) } })
      polaris.schedule(fragile, steady)
      await clock.advance('10m')
      expect((await polaris.schedules())[0]).toMatchObject({ name: 'fragile', last: Date.UTC(2030, 0, 1, 1) })
      expect(await idsOf(polaris)).toEqual([
        'fragile@2030-01-01T01:00',
        'hourly@2030-01-01T01:00',
        'hourly@2030-01-01T02:00',
      ])
      expect(troubles.length).toBeGreaterThan(5)
      expect(troubles[0]).toMatchObject({
        code: 'DATA_INVALID',
        message: expect.stringContaining('no such day') as string,
      })
      broken = false
      await clock.advance('1m')
      expect(await idsOf(polaris)).toHaveLength(4)
      await expectOnce(polaris)
    })
  })

  describe('summer time in Berlin', () => {
    const berlin = { workflow: report, timeZone: 'Europe/Berlin', missed: 'all', delta: hourly.delta } as const
    const rows = [
      { ...berlin, name: 'half past two', cron: '30 2 * * *' },
      { ...berlin, name: 'three', cron: '0 3 * * *' },
      { ...berlin, name: 'each hour', cron: '30 * * * *' },
    ]
    // From 2:00 to 3:00 does not exist: what is meant for then comes when the clock goes on.
    const spring = {
      'half past two': ['31T01:00', '01T00:30'],
      three: ['31T01:00', '01T01:00'],
      'each hour': ['31T00:30', '31T01:30', '31T02:30'],
    }
    // It comes twice: a time of the day counts once, an hour as often as it passes.
    const autumn = {
      'half past two': ['27T00:30', '28T01:30'],
      three: ['27T02:00', '28T02:00'],
      'each hour': ['27T00:30', '27T01:30', '27T02:30'],
    }

    it.each([
      ['begins', '2030-03-31T00:00Z', spring],
      ['ends', '2030-10-27T00:00Z', autumn],
    ])('%s: at the time, and made up for, ticks are the same', async (_, from, expected) => {
      const { clock, process } = world(report)
      await clock.advanceTo(new Date(from))
      const live = rows.slice(0, 2).map((row) => schedule({ ...row, name: `${row.name}, live` }))
      const late = rows.map((row) => schedule(row))
      const polaris = process().schedule(...live)
      const short = process().schedule(...late)
      await clock.advance('1s')
      await short.close()
      await clock.advance('26h')
      polaris.schedule(...late)
      await clock.advance('1s')
      const ids = await idsOf(polaris)
      for (const [name, ticks] of Object.entries(expected)) {
        for (const each of name === 'each hour' ? [name] : [name, `${name}, live`]) {
          const found = ids.filter((id) => id.startsWith(`${each}@`)).map((id) => id.slice(-8))
          expect(found.slice(0, ticks.length), each).toEqual(ticks)
        }
      }
    })
  })
})
