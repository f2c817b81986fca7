import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Polaris } from 'polaris-workflow'
import type { DeltaOf } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { simulatedClock } from 'polaris-workflow/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { fakeOffice } from '../../examples/document-review/services.ts'
import { documentReview, Draft, Figures, Proof, Published, Review } from '../../examples/document-review/workflow.ts'
import { refusal } from '../support/lab.ts'

const draft = Draft({ title: 'Third quarter', body: 'We sold more lamps.\n\nMuch more.' })
const figures = Figures({ revenue: [310, 420, 515] })
const corrected = Figures({ revenue: [310, 420, 551] })
const approved = Review({ by: 'Ruth', approved: true })

const opened: Polaris[] = []
afterEach(() => Promise.all(opened.splice(0).map((polaris) => polaris.close())))

function newOffice() {
  const clock = simulatedClock()
  const { services, log, pages } = fakeOffice(clock.now)
  const store = memoryStore({ now: clock.now, strict: true })
  const polaris = new Polaris({ clock, services, store }).register(documentReview)
  polaris.worker().start()
  opened.push(polaris)
  const feed = (...delta: DeltaOf<typeof documentReview>[]) =>
    polaris.executor().parallel(documentReview, 'q3', ...delta)
  /** What has been done since the last look. */
  const done = () => log.splice(0).map(({ what }) => what)
  /** What ran in the newest scope. */
  const ran = async () => {
    const entries = await polaris.history('q3')
    const newest = entries.at(-1)?.scope
    return entries
      .filter(({ scope, builder }) => scope === newest && builder !== undefined)
      .map(({ builder }) => builder)
  }
  return { clock, polaris, pages, feed, done, ran }
}

describe('the document review', () => {
  it('takes words and figures in any order, and publishes what a person has approved', async () => {
    const { feed, done, pages } = newOffice()
    expect((await feed(figures)).waitingFor).toEqual(['Draft', 'Review'])
    expect((await feed(draft)).waitingFor).toEqual(['Review'])
    expect(done()).toEqual(['chart drawn', 'to ruth: Please review q3'])
    const result = await feed(approved)
    expect(result).toMatchObject({ status: 'completed', target: { approvedBy: 'Ruth' } })
    expect(pages.get('q3')).toBe('Third quarter\n\n▅▇█\n\nWe sold more lamps.\n\nMuch more.')
  })

  it('tells the head of department after two days, once; and again two days after a correction', async () => {
    const { clock, feed, done } = newOffice()
    await feed(draft, figures)
    await clock.advance(2 * 86_400_000 - 1)
    expect(done()).toEqual(['chart drawn', 'to ruth: Please review q3'])
    await clock.advance(1)
    expect(done()).toEqual(['to henry: ruth has not reviewed q3'])
    await clock.advance('30d')
    expect(done()).toEqual([])
    await feed(corrected)
    await clock.advance('47h')
    expect(done()).toEqual(['chart drawn', 'to ruth: Please review q3'])
    await clock.advance('1h')
    expect(done()).toEqual(['to henry: ruth has not reviewed q3'])
    await feed(corrected)
    await feed(approved)
    done()
    await clock.advance('30d')
    expect(done()).toEqual([])
  })

  it('makes anew what depends on a corrected figure and nothing else, and asks for a new approval of that', async () => {
    const { polaris, feed, done, ran, pages } = newOffice()
    const first = await feed(draft, figures)
    await feed(approved)
    done()
    const again = await feed(corrected)
    expect(again).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
    expect(await ran()).toEqual(['drawChart', 'layOut', 'askForReview'])
    expect(done()).toEqual(['chart drawn', 'to ruth: Please review q3'])
    // Who still has the first proof on the screen approves that one.
    const late = Review({ by: 'Ruth', approved: true }, { about: first.seqOf(Proof) })
    await refusal(feed(late), 'DATA_OUTDATED')
    expect((await polaris.get('q3'))?.status).toBe('waiting')
    const seen = Review({ by: 'Ruth', approved: true }, { about: again.seqOf(Proof) })
    expect((await feed(seen)).status).toBe('completed')
    expect(done()).toEqual(['published'])
    expect(pages.get('q3')).toContain('\n\n▅▆█\n\n')
  })

  it('asks nobody again for the sake of a blank', async () => {
    const { clock, polaris, feed, done, ran } = newOffice()
    await feed(draft, figures)
    await feed(approved)
    done()
    const result = await feed(Draft({ title: 'Third quarter', body: ' We sold  more\nlamps.\n\n\nMuch more.\n' }))
    expect(result.status).toBe('completed')
    expect(await ran()).toEqual(['readWording'])
    await clock.advance('30d')
    expect(done()).toEqual([])
    expect((await polaris.get('q3'))?.latest(Published)?.approvedBy).toBe('Ruth')
  })

  it('waits for better words where the reviewer asks for changes, and says which', async () => {
    const { polaris, feed, done, ran } = newOffice()
    await feed(Draft({ title: 'Third quarter', body: 'World-class lamps leverage synergy.' }), figures)
    expect(done()[1]).toBe('to ruth: Please review q3; mind synergy, leverage, world-class')
    const refused = await feed(Review({ by: 'Ruth', approved: false, comment: 'say it in English' }))
    expect(refused).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
    const explained = await polaris.explain('q3')
    expect(explained?.builders.find(({ name }) => name === 'publish')?.because).toBe(
      'Ruth asks for changes: say it in English',
    )
    done()
    await feed(Draft({ title: 'Third quarter', body: 'We sold more lamps.' }))
    expect(await ran()).toEqual(['readWording', 'findBuzzwords', 'layOut', 'askForReview'])
    expect(done()).toEqual(['to ruth: Please review q3'])
    expect((await feed(approved)).status).toBe('completed')
  })

  it('is a program that tells what happened when', () => {
    const program = fileURLToPath(new URL('../../.build/examples/document-review/main.js', import.meta.url))
    const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(stdout).toContain('day 2, 04:00  to henry: ruth has not reviewed q3')
    expect(stdout).toContain('refused: that proof was replaced')
    expect(stdout.match(/has not reviewed/g)).toHaveLength(1)
  })
})
